// worker_threads: messages, transfer, shared memory with Atomics, exit and errors.
'use strict';
const { Worker, isMainThread, parentPort, workerData, MessageChannel, threadId } = require('worker_threads');
const WORKERS = 4, ROUNDS = 2000;

if (!isMainThread) {
    const { kind, shared } = workerData;
    if (kind === 'count') { // a mutex of Atomics.wait and notify around a plain counter
        const a = new Int32Array(shared);
        for (let i = 0; i < ROUNDS; i++) {
            let state = Atomics.compareExchange(a, 0, 0, 1);
            while (state !== 0) {
                if (state === 2 || Atomics.compareExchange(a, 0, 1, 2) !== 0) Atomics.wait(a, 0, 2);
                state = Atomics.compareExchange(a, 0, 0, 2);
            }
            a[1] = a[1] + 1;
            if (Atomics.exchange(a, 0, 0) === 2) Atomics.notify(a, 0, 1);
        }
    } else if (kind === 'pong') {
        const a = new Int32Array(shared);
        for (let i = 0; i < 500; i++) {
            while (Atomics.load(a, 2) === 2 * i) Atomics.wait(a, 2, 2 * i);
            Atomics.store(a, 2, 2 * i + 2);
            Atomics.notify(a, 2);
        }
    } else if (kind === 'transfer') {
        parentPort.on('message', ({ buffer, port }) => {
            port.postMessage(new Uint8Array(buffer).reduce((x, y) => x + y, 0));
            port.close();
            parentPort.close();
        });
    } else if (kind === 'throw') {
        throw new TypeError('from the worker');
    } else if (kind === 'loop') {
        parentPort.postMessage('looping');
        for (;;);
    } else {
        process.exit(7);
    }
    return;
}

const end = (w) => new Promise((done) => w.on('exit', done));
const start = (kind, shared) => new Worker(__filename, { workerData: { kind, shared } });

(async () => {
    const shared = new SharedArrayBuffer(64), a = new Int32Array(shared);
    await Promise.all(Array.from({ length: WORKERS }, () => end(start('count', shared))));
    console.log('count', a[1] === WORKERS * ROUNDS, a[0]);

    const pong = start('pong', shared), ended = end(pong);
    for (let i = 0; i < 500; i++) {
        Atomics.store(a, 2, 2 * i + 1);
        Atomics.notify(a, 2);
        while (Atomics.load(a, 2) === 2 * i + 1) { // the last round's notify() may wake this one
            const { async: later, value } = Atomics.waitAsync ? Atomics.waitAsync(a, 2, 2 * i + 1) : {};
            if (later) await value;
            else if (!Atomics.waitAsync) Atomics.wait(a, 2, 2 * i + 1, 1);
        }
    }
    console.log('ping-pong', a[2], await ended);
    console.log('wait', Atomics.wait(a, 3, 0, 20), Atomics.wait(a, 3, 1, 20), Atomics.notify(a, 3));

    const worker = start('transfer'), channel = new MessageChannel();
    const buffer = new Uint8Array(1000).fill(3).buffer;
    worker.postMessage({ buffer, port: channel.port1 }, [buffer, channel.port1]);
    const closed = end(worker);
    console.log('transfer', await new Promise((r) => channel.port2.on('message', r)), buffer.byteLength);
    console.log('closed', await closed);

    const failing = start('throw');
    failing.on('error', (e) => console.log('error', e.name, e.message));
    console.log('throw', await end(failing));
    console.log('exit', await end(start('exit')));
    const loop = start('loop');
    await new Promise((r) => loop.on('message', r));
    console.log('terminated', await loop.terminate(), threadId);
})();
