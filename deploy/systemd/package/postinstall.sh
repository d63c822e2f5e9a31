#!/bin/sh
# Arguments: of a deb, "configure" and the previous version, if any; of an rpm, the number of
# installed versions.
set -e

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	# A running worker drains, and restarts with the new version.
	systemctl try-restart wildix-worker.service || true
fi

case "$1 $2" in
"configure " | "1 ")
	echo "wildix-worker: name the queue in /etc/wildix-worker/wildix-worker.env and the"
	echo "secret in /etc/wildix-worker/secrets, then: systemctl enable --now wildix-worker"
	;;
esac
