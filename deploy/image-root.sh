#!/bin/sh
# Everything that is in the container image, under FOLDER:
#
#   deploy/image-root.sh BINARY FOLDER
#
# The Dockerfile's build stage and tests/image.sh both call it, so what is tested is what is built.
set -eu
binary=$1
folder=$2
install -D -m 755 "$binary" "$folder/duogate"
# The state volume. Group 0 may write, for that is the group of whatever user a platform chooses.
mkdir -p "$folder/var/lib/duogate"
chmod 770 "$folder/var/lib/duogate"
