# Apache httpd with the worker MPM: as apache-event.
# packages: apache2-bin apache2-utils
mpm=worker
. apps/servers/apache-event.sh
