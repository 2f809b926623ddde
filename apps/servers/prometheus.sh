# Prometheus scrapes a node exporter, both in one machine; the host asks both.
# packages: prometheus prometheus-node-exporter
cat >"$WORK/conf.yml" <<END
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: node
    static_configs: [{targets: ['127.0.0.1:9100']}]
END
machine -p 9090 -p 9100 --cpus 2 --memory 1G --package prometheus --package prometheus-node-exporter --add "$WORK/conf.yml" \
    bash -c "prometheus-node-exporter --no-collector.systemd & exec prometheus --config.file=$WORK/conf.yml --storage.tsdb.path=/srv/data --web.enable-lifecycle"
up() { curl -sf "http://127.0.0.1:${ports[9090]}/api/v1/query?query=node_memory_MemTotal_bytes%3E0" | grep -q '"__name__"'; }
answers up
metrics() { curl -sf "http://127.0.0.1:${ports[9100]}/metrics" >"$WORK/metrics" && grep -c '^node_' "$WORK/metrics"; }
check 'the exporter answers' metrics
# The others look for hardware and modules that the host does not have either.
for name in arp cpu cpufreq diskstats entropy filefd filesystem loadavg meminfo netclass netdev netstat os schedstat \
    sockstat softnet stat time timex udp_queues uname vmstat; do
    grep -qx "node_scrape_collector_success{collector=\"$name\"} 1" "$WORK/metrics" || echo "$name"
done >"$WORK/fail"
says 'no collector fails' '' cat "$WORK/fail"
finishes
