# Mosquitto: MQTT, a retained message, subscribers, 200 messages of quality 2.
# packages: mosquitto mosquitto-clients
printf 'listener 1883 0.0.0.0\nallow_anonymous true\n' >"$WORK/conf"
machine -p 1883 --add "$WORK/conf" /usr/sbin/mosquitto -c "$WORK/conf"
at=(-h 127.0.0.1 -p "${ports[1883]}")
answers mosquitto_pub "${at[@]}" -t a/b -r -m kept
says 'a retained message' kept mosquitto_sub "${at[@]}" -t 'a/+' -C 1
mosquitto_sub "${at[@]}" -i s -c -q 2 -t many -E
many() { seq 200 | mosquitto_pub "${at[@]}" -q 2 -t many -l; }
check '200 messages' many
says 'all arrive in order' "$(seq 200)" mosquitto_sub "${at[@]}" -i s -c -q 2 -t many -C 200
finishes
