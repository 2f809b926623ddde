# Apache httpd with the prefork MPM (processes): as apache-event.
# packages: apache2-bin apache2-utils
mpm=prefork
. apps/servers/apache-event.sh
