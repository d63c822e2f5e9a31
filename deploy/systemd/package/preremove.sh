#!/bin/sh
# Argument: of a deb, "remove" or "upgrade"; of an rpm, the number of versions that stay
# installed.
set -e

case $1 in
remove | 0) ;;
*) exit 0 ;;
esac
if [ -d /run/systemd/system ]; then
	systemctl stop wildix-worker.service
fi
if command -v systemctl >/dev/null; then
	systemctl --no-reload --quiet disable wildix-worker.service
fi
