// Judges pods by the Pod Security Standard "restricted", with the code that Kubernetes itself runs.
//
// Reads one JSON array of pod templates ({"metadata": …, "spec": …}) and prints one JSON array of strings: for each
// why it is refused, or "".
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

func judge(input io.Reader) ([]string, error) {
	text, err := io.ReadAll(input)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields() // a misspelt field must not pass as one that is not there
	var pods []corev1.PodTemplateSpec
	if err := decoder.Decode(&pods); err != nil {
		return nil, err
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return nil, err
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	answers := make([]string, 0, len(pods))
	for _, pod := range pods {
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec))
		if result.Allowed {
			answers = append(answers, "")
		} else {
			answers = append(answers, result.ForbiddenDetail())
		}
	}
	return answers, nil
}

func main() {
	answers, err := judge(os.Stdin)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(answers)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "podsecurity:", err)
		os.Exit(1)
	}
}
