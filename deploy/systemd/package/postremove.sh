#!/bin/sh
# Argument: of a deb, "remove", "purge" or "upgrade"; of an rpm, a number.
set -e

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
if [ "$1" = purge ]; then
	rm -rf /var/lib/wildix-worker /var/lib/private/wildix-worker
fi
