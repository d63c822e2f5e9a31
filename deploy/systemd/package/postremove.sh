#!/bin/sh
# A deb calls this with "remove", "purge" or "upgrade", an rpm with a number.
set -e

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
if [ "$1" = purge ]; then
	rm -rf /var/lib/wildix-worker /var/lib/private/wildix-worker
fi
