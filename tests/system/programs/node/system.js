// system.js [codes] [files] [streams] [loop]: crypto, fs, streams, timers, unix sockets, os, signals, zlib, event loop.
'use strict';
const crypto = require('crypto'), fs = require('fs'), os = require('os'), path = require('path');
const net = require('net'), zlib = require('zlib'), stream = require('stream'), util = require('util');
const timers = require('timers/promises'), { once } = require('events');
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'node-'));
const at = (n) => path.join(dir, n);

async function codes() {
    const data = Buffer.alloc(100000, 'osprey');
    for (const h of ['md5', 'sha1', 'sha256', 'sha512', 'sha3-256', 'blake2b512'])
        console.log(h, crypto.createHash(h).update(data).digest('hex').slice(0, 32));
    console.log('hmac', crypto.createHmac('sha256', 'k').update(data).digest('base64'));
    const key = crypto.scryptSync('password', 'salt', 32, { N: 1024 }), iv = Buffer.alloc(12, 1);
    const c = crypto.createCipheriv('aes-256-gcm', key, iv), sealed = Buffer.concat([c.update(data), c.final()]);
    const d = crypto.createDecipheriv('aes-256-gcm', key, iv).setAuthTag(c.getAuthTag());
    console.log('gcm', Buffer.concat([d.update(sealed), d.final()]).equals(data), c.getAuthTag().toString('hex'));
    console.log('pbkdf2', (await util.promisify(crypto.pbkdf2)('p', 's', 500, 16, 'sha512')).toString('hex'));
    const ec = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const sign = crypto.sign('sha256', data, ec.privateKey);
    console.log('ecdsa', crypto.verify('sha256', data, ec.publicKey, sign), crypto.verify('sha256', sealed, ec.publicKey, sign));
    const rsa = await util.promisify(crypto.generateKeyPair)('rsa', { modulusLength: 1024 });
    console.log('rsa', crypto.privateDecrypt(rsa.privateKey, crypto.publicEncrypt(rsa.publicKey, Buffer.from('secret'))).toString());
    console.log('random', crypto.randomBytes(64).equals(crypto.randomBytes(64)), crypto.randomUUID().length);
    const jobs = Array.from({ length: 16 }, (_, i) => util.promisify(crypto.scrypt)('x' + i, 's', 8, { N: 256 }));
    console.log('pool', (await Promise.all(jobs)).map((b) => b.toString('hex').slice(0, 4)).join(' '));
    console.log('web', Buffer.from(await crypto.subtle.digest('SHA-256', data)).toString('hex').slice(0, 16));
}

async function files() {
    await Promise.all(Array.from({ length: 100 }, (_, i) => fs.promises.writeFile(at(`f${i}`), 'x'.repeat(i))));
    const names = (await fs.promises.readdir(dir)).sort();
    const stats = await Promise.all(names.map((n) => fs.promises.stat(at(n))));
    console.log('files', names.length, stats.reduce((a, s) => a + s.size, 0), stats.every((s) => s.isFile()));
    fs.mkdirSync(at('a/b/c'), { recursive: true });
    fs.renameSync(at('f1'), at('a/b/g'));
    fs.symlinkSync('b', at('a/l'));
    fs.linkSync(at('f2'), at('a/h'));
    console.log(fs.realpathSync(at('a/l/g')) === fs.realpathSync(at('a/b/g')), fs.readlinkSync(at('a/l')), fs.statSync(at('a/h')).nlink);
    fs.chmodSync(at('f2'), 0o640);
    fs.utimesSync(at('f2'), 1000, 2000.5);
    const s = fs.statSync(at('f2'), { bigint: true });
    console.log((s.mode & 0o7777n).toString(8), s.mtimeNs, s.atimeMs);
    for (const f of [() => fs.readFileSync(at('none')), () => fs.mkdirSync(dir), () => fs.rmdirSync(at('a')), () => fs.readdirSync(at('f2'))])
        try { f(); console.log('?'); } catch (e) { console.log(e.code, e.errno, e.syscall); }
    const fd = fs.openSync(at('data'), 'w+');
    fs.writevSync(fd, [Buffer.from('abc'), Buffer.from('def')], 2);
    fs.ftruncateSync(fd, 5);
    const buffer = Buffer.alloc(9);
    console.log(fs.readSync(fd, buffer, 0, 9, 0), buffer.toString('latin1'), fs.fstatSync(fd).size);
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    fs.copyFileSync(at('data'), at('copy'));
    fs.appendFileSync(at('copy'), '!');
    console.log(JSON.stringify(fs.readFileSync(at('copy'), 'latin1')));
    const seen = new Set(), watcher = fs.watch(dir);
    const done = new Promise((r) => watcher.on('change', (kind, name) => { seen.add(`${kind}:${name}`); if (seen.has('rename:w2')) r(); }));
    fs.writeFileSync(at('w1'), '1');
    fs.renameSync(at('w1'), at('w2'));
    await done;
    watcher.close();
    console.log('watch', [...seen].sort().join(' '));
}

async function streams() {
    const source = stream.Readable.from((function* () { for (let i = 0; i < 20000; i++) yield `line ${i}\n`; })());
    await stream.promises.pipeline(source, zlib.createGzip(), fs.createWriteStream(at('lines.gz')));
    const hash = crypto.createHash('sha1');
    await stream.promises.pipeline(fs.createReadStream(at('lines.gz')), zlib.createGunzip(), hash);
    console.log('pipeline', hash.digest('hex'));
    console.log('brotli', zlib.brotliDecompressSync(zlib.brotliCompressSync('b'.repeat(9999))).length);
    const name = at('socket'), server = net.createServer((c) => c.pipe(c)).listen(name);
    await once(server, 'listening');
    const sizes = await Promise.all([1, 1000, 300000].map(async (size) => {
        const c = net.connect(name);
        let got = 0;
        c.on('data', (d) => { got += d.length; });
        c.end(Buffer.alloc(size, 'y'));
        await once(c, 'close');
        return got;
    }));
    server.close();
    console.log('socket', sizes.join(' '), await once(net.connect(at('none')), 'connect').catch((e) => e.code));
}

async function loop() {
    const order = [];
    setTimeout(() => order.push('timeout 30'), 30);
    setTimeout(() => order.push('timeout 1'), 1);
    setImmediate(() => order.push('immediate'));
    process.nextTick(() => order.push('tick'));
    Promise.resolve().then(() => order.push('promise'));
    const interval = setInterval(() => order.filter((x) => x === 'interval').length < 3 && order.push('interval'), 3);
    const cleared = setTimeout(() => order.push('never'), 10);
    clearTimeout(cleared);
    while (order.filter((x) => x === 'interval').length < 3 || !order.includes('timeout 30')) await timers.setTimeout(5);
    clearInterval(interval);
    console.log(order.slice(0, 2).join(' '), order.filter((x) => x === 'interval').length, order.includes('never'), [...order].sort().join(','));
    const t = process.hrtime.bigint(), m = performance.now();
    await timers.setTimeout(50);
    console.log('clock', process.hrtime.bigint() - t >= 49000000n, performance.now() - m >= 49);
    const awake = setInterval(() => {}, 1000); // neither handlers nor such timeouts keep it running
    for (const signal of ['SIGUSR2', 'SIGTERM', 'SIGWINCH', 'SIGCONT']) {
        const got = once(process, signal);
        process.kill(process.pid, signal);
        console.log((await got).join(' '));
    }
    const aborted = timers.setTimeout(60000, 0, { signal: AbortSignal.timeout(10) });
    console.log(await aborted.catch((e) => e.name));
    clearInterval(awake);
}

(async () => {
    const parts = { codes, files, streams, loop };
    for (const name of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts)) await parts[name]();
    console.log('os', os.platform(), os.arch(), os.endianness(), os.totalmem() > 5e7, os.freemem() > 0, os.uptime() > 0,
        os.userInfo().uid === process.getuid(), process.memoryUsage().rss > 1e7, process.resourceUsage().maxRSS > 1000);
    fs.rmSync(dir, { recursive: true });
    process.exitCode = 5;
})();
