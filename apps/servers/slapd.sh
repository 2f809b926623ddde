# OpenLDAP's slapd with MDB: 200 entries added, searched, changed.
# packages: slapd ldap-utils
cat >"$WORK/conf" <<'END'
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile /srv/pid
modulepath /usr/lib/ldap
moduleload back_mdb.la
database mdb
maxsize 67108864
suffix "dc=test"
rootdn "cn=admin,dc=test"
rootpw secret
directory /srv/ldap
index uid eq
END
machine -p 389 --cpus 2 --memory 512M --package slapd --add "$WORK/conf" --add /etc/ldap/schema \
    bash -c "mkdir /srv/ldap; exec slapd -d 0 -f $WORK/conf -h ldap://0.0.0.0:389"
at=(-x -H "ldap://127.0.0.1:${ports[389]}" -D cn=admin,dc=test -w secret -o nettimeout=20)
answers ldapwhoami "${at[@]}"
{
    printf 'dn: dc=test\nobjectClass: domain\ndc: test\n\n'
    for i in {1..200}; do printf 'dn: uid=u%d,dc=test\nobjectClass: inetOrgPerson\nuid: u%d\nsn: s\ncn: name %d\n\n' $i $i $i; done
} >"$WORK/ldif"
check '201 entries' ldapadd "${at[@]}" -f "$WORK/ldif"
says 'a search' 'cn: name 77' sh -c "ldapsearch ${at[*]} -LLL -b dc=test uid=u77 cn | grep ^cn"
says 'all' 201 sh -c "ldapsearch ${at[*]} -LLL -b dc=test dn | grep -c ^dn"
finishes
