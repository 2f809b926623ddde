# gunicorn with 3 workers and threads serves a Flask application; a worker that dies is replaced.
# packages: gunicorn python3-flask apache2-utils
cat >"$WORK/app.py" <<'END'
import os, flask
app = flask.Flask(__name__)
@app.route("/")
def home(): return "sum %d %s" % (sum(range(101)), flask.request.args.get("w", "")[::-1])
@app.route("/die")
def die(): os._exit(1)
END
machine -p 80 --cpus 2 --memory 512M --add "$WORK/app.py" --package python3-flask --package gunicorn gunicorn --graceful-timeout 3 -w 3 --threads 2 -b 0.0.0.0:80 --chdir "$WORK" app:app
url=http://127.0.0.1:${ports[80]}
answers curl -sf "$url/"
says 'a page' 'sum 5050 cba' curl -s "$url/?w=abc"
check 'many clients' sh -c "ab -q -n 300 -c 16 '$url/?w=x' | grep -q 'Failed requests: *0\$'"
curl -s "$url/die"
says 'after a death' 'sum 5050 cba' curl -s --retry 5 --retry-all-errors "$url/?w=abc"
finishes
