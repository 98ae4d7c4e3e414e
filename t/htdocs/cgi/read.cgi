#!/bin/sh
# Reads all its content and says how much it was.
bytes=$(wc -c | tr -d ' ')
printf 'Content-Type: text/plain\n\nread=%s\n' "$bytes"
