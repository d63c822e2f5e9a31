#!/bin/sh
# A deb calls this with "configure" and the version that was there before, if any; an rpm
# with the number of versions that are installed now.
set -e

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	# A worker that runs finishes what it has in hand, and goes on as the new version.
	systemctl try-restart wildix-worker.service || true
fi

case "$1 $2" in
"configure " | "1 ")
	echo "wildix-worker: name the queue in /etc/wildix-worker/wildix-worker.env and the"
	echo "secret in /etc/wildix-worker/secrets, then: systemctl enable --now wildix-worker"
	;;
esac
