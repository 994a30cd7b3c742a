// The peer "by hand": Node's own cluster, one worker after another, as its guides show it. Each line
// "reload" on stdin is one reload; the answer is how many milliseconds it took.
//
// usage: node cluster-primary.js WORKERS PROGRAM KILL_SECONDS (PORT is in the environment)
'use strict';
const cluster = require('cluster');
const path = require('path');

const [count, program, killSeconds] = process.argv.slice(2);
cluster.setupPrimary({ exec: path.join(__dirname, program) });
const workers = [];
const start = () => new Promise((resolve) => {
  const worker = cluster.fork();
  worker.once('listening', () => resolve(worker));
});

async function reload() {
  const begun = process.hrtime.bigint();
  for (let i = 0; i < workers.length; i++) {
    const old = workers[i];
    const gone = new Promise((resolve) => old.once('exit', resolve));
    workers[i] = await start();
    old.disconnect();
    const killer = setTimeout(() => old.process.kill('SIGKILL'), Number(killSeconds) * 1000);
    await gone;
    clearTimeout(killer);
  }
  console.log(Number(process.hrtime.bigint() - begun) / 1e6);
}

(async () => {
  for (let i = 0; i < Number(count); i++) workers.push(await start());
  console.log('ready');
  require('readline').createInterface({ input: process.stdin }).on('line', reload);
})();
