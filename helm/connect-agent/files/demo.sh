# Shows what is published, and again after each change: names and sizes, no values.
trap 'exit 0' TERM INT
cd "$1" || exit 1
seen=
while :; do
    now=$(readlink ..data)
    if [ "$now" != "$seen" ]; then
        seen=$now
        echo "generation:"
        find -L . -path ./..data -prune -o -type f -not -path './..*' -exec wc -c {} \;
    fi
    sleep 5 &
    wait $!
done
