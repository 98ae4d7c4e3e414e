#!/bin/sh
# Reads all its content and leads on to record.cgi.
cat >/dev/null
printf 'Location: /cgi/record.cgi?%s\n\n' "$QUERY_STRING"
