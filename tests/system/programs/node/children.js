// child_process: spawn, exec, fork with messages, pipes, signals, sync forms, many at once.
'use strict';
const cp = require('child_process');
const sh = (c, o) => new Promise((r) => cp.exec(c, o || {}, (e, out, err) => r([e && (e.signal || e.code), out, err])));
const end = (c) => new Promise((r) => c.on('close', (code, signal) => r(`${code} ${signal}`)));

if (process.argv[2] === 'child') {
    process.on('message', (m) => {
        if (m === 'stop') process.disconnect();
        else process.send({ got: m, pid: process.pid !== process.ppid });
    });
    process.on('SIGUSR2', () => process.send('SIGUSR2'));
    process.send('ready');
    return;
}

(async () => {
    console.log(await sh('echo out; echo err >&2; exit 3'));
    console.log(await sh('kill -9 $$'));
    console.log(await sh('sleep 60', { timeout: 100 }));
    console.log(cp.execFileSync('cat', { input: 'through cat\n'.repeat(3) }).toString());
    const big = cp.spawnSync('cat', { input: Buffer.alloc(3000000, 'x'), maxBuffer: 1e8 });
    console.log(big.status, big.stdout.length);
    console.log(cp.spawnSync('sh', ['-c', 'echo $A; pwd'], { env: { A: 'b', PATH: process.env.PATH }, cwd: '/tmp' }).stdout.toString());
    console.log(cp.spawnSync('/nonexistent').error.code, cp.spawnSync('sh', ['-c', 'kill -TERM $$']).signal);

    const cat = cp.spawn('cat');
    let text = '';
    cat.stdout.on('data', (d) => { text += d; });
    for (let i = 0; i < 2000; i++) cat.stdin.write(`line ${i}\n`);
    cat.stdin.end();
    console.log(await end(cat), text.split('\n').length);

    const sleeper = cp.spawn('sleep', ['100']);
    sleeper.kill('SIGINT');
    console.log(await end(sleeper), sleeper.killed);

    const child = cp.fork(__filename, ['child']), lines = [];
    await new Promise((r) => child.on('message', (m) => {
        lines.push(JSON.stringify(m));
        if (m === 'ready') child.send({ list: [1, 2, 3] });
        else if (m.got) child.kill('SIGUSR2');
        else r();
    }));
    child.send('stop');
    console.log(await end(child), lines.join(' '));

    const many = await Promise.all(Array.from({ length: 20 }, (_, i) => sh(`echo ${i}; exit ${i}`)));
    console.log(many.map(([code, out]) => `${code}:${out.trim()}`).join(' '));
    const detached = cp.spawn('sh', ['-c', 'read a; echo "$a in $(ps -o sid= -p $$ | tr -d " ")" | sed "s/in $$/in its session/"'], { detached: true });
    let own = '';
    detached.stdout.on('data', (d) => { own += d; });
    detached.stdin.end('detached\n');
    console.log(await end(detached), own.trim());
})();
