// What the clients in Node share: requests in a closed loop until SIGTERM, every second one a POST
// whose body comes in two halves, 20 ms apart. Then {"requests": N, "errors": {NAME: N}} on stdout.
'use strict';
const HALF = Buffer.alloc(32768, 'x');
const PAUSE_MS = 20;

exports.HALF = HALF;
exports.pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

// get(base) and post(base) answer {status, text} or throw.
exports.run = async (get, post) => {
  const [base, loops] = [process.argv[2], Number(process.argv[3])];
  const result = { requests: 0, errors: {} };
  const lose = (why) => (result.errors[why] = (result.errors[why] || 0) + 1);
  let going = true;
  process.once('SIGTERM', () => (going = false));

  async function loop() {
    for (let number = 0; going; number++) {
      const posts = number % 2 === 1;
      result.requests++;
      try {
        const { status, text } = await (posts ? post(`${base}/size`) : get(`${base}/echo/${number}`));
        const first = posts ? 2 * HALF.length : number;
        if (status !== 200) lose(`status ${status}`);
        else if (!text.startsWith(`${first} `)) lose('wrong body');
      } catch (error) {
        lose(error.cause?.code || error.code || error.message);
        await exports.pause();
      }
    }
  }
  await Promise.all(Array.from({ length: loops }, loop));
  console.log(JSON.stringify(result));
  process.exit();
};
