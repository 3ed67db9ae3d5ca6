// Reads an env file by compose-go's or docker's own parser; prints NAME=value, each ended by NUL.
package main

import (
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/docker/cli/opts"
)

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	if os.Args[1] == "docker" {
		lines, err := opts.ParseEnvFile(os.Args[2])
		fail(err)
		for _, line := range lines {
			fmt.Print(line, "\x00")
		}
		return
	}
	file, err := os.Open(os.Args[2])
	fail(err)
	values, err := dotenv.ParseWithLookup(file, func(string) (string, bool) { return "", false })
	fail(err)
	for name, value := range values {
		fmt.Print(name, "=", value, "\x00")
	}
}
