"""Every verb that talks to a primary, and every primary that does not talk as it should."""

import json
import os
import subprocess
import unittest

import samples
from fake_primary import answer
from harness import Case


class Reach(Case):
    def test_no_app_running(self):
        self.assertEqual(self.run_it("status"), (
            3, "", "reloadctl: no app is running; `reloadctl run` starts one\n"))

    def test_unknown_app(self):
        code, _, err = self.run_it("status", "web")
        self.assertEqual(code, 3)
        self.assertIn("no app named web is running", err)

    def test_stale_socket(self):
        self.stale("web")
        code, _, err = self.run_it("status", "web")
        self.assertEqual(code, 3)
        self.assertIn("the primary of web is not running; it left its socket", err)

    def test_permission_denied(self):
        primary = self.primary(answer(Status={"app": samples.app()}))
        os.chmod(primary.path, 0)
        code, _, err = self.run_it("status", "web")
        self.assertEqual(code, 3)
        self.assertIn("permission denied", err)

    def test_several_apps_are_listed(self):
        self.primary(answer(Status={"app": samples.app()}))
        self.primary(answer(Status={"app": samples.app("api")}), "api")
        self.assertEqual(self.run_it("status"),
                         (2, "", "reloadctl: which app? There are:\n  api\n  web\n"))

    def test_only_living_app_is_meant(self):
        self.stale("api")
        self.primary(answer(Status={"app": samples.app()}))
        self.assertEqual(self.run_it("status", "--json")[0], 0)

    def test_unit_means_its_own_app(self):
        self.stale("api")
        self.primary(answer(Status={"app": samples.app()}))
        self.environment["RUNTIME_DIRECTORY"] = os.path.join(self.runtime, "web")
        self.assertEqual(self.run_it("status")[0], 0)


class Broken(Case):
    """Each in words and with exit code 3, and with nothing on stdout."""

    def check(self, script, words, code=3, arguments=("status", "web")):
        self.primary(script)
        found, out, err = self.run_it(*arguments)
        self.assertEqual((found, out), (code, ""))
        self.assertIn(words, err)

    def test_garbage(self):
        self.check(lambda talk, call: talk.send_bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n\0"),
                   "answers with nonsense")

    def test_reply_of_another_method(self):
        self.check(lambda talk, call: talk.reply({"desired": 1, "before": 2}),
                   "answers with nonsense")

    def test_half_reply(self):
        def script(talk, call):
            talk.send_bytes(b'{"parameters":{"app":')
            return False
        self.check(script, "hung up in the middle of an answer")

    def test_hang_up(self):
        self.check(lambda talk, call: False, "hung up without an answer")

    def test_unknown_error(self):
        self.check(lambda talk, call: talk.error("io.reloadd.FromTheFuture", {}),
                   "io.reloadd.FromTheFuture; is it of another version?")

    def test_no_answer_until_timeout(self):
        for verb in ("status", "history", "logs", "events"):
            with self.subTest(verb):
                primary = self.primary(lambda talk, call: talk.wait_for_hang_up())
                found, out, err = self.run_it(verb, "web", "--timeout", "0.05")
                self.assertEqual((found, out), (6, ""))
                self.assertIn("no answer in the time", err)
                primary.close()

    def test_nul_flood(self):
        self.check(lambda talk, call: talk.send_bytes(b"\0" * 100000), "answers with nonsense")


class Status(Case):
    def test_healthy(self):
        primary = self.primary(answer(Status={"app": samples.app()}))
        code, out, err = self.run_it("status")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("web: running, 2 of 2 workers ready, for ", out)
        self.assertIn("127.0.0.1:8080 (http, opened)", out)
        self.assertEqual(primary.methods(), ["Status"])

    def test_fewer_than_desired_is_exit_1(self):
        self.primary(answer(Status={"app": samples.app(admitted=1)}))
        code, out, _ = self.run_it("status")
        self.assertEqual(code, 1)
        self.assertIn("degraded, 1 of 2 workers ready", out)

    def test_json_is_the_app(self):
        self.primary(answer(Status={"app": samples.app()}))
        code, out, _ = self.run_it("status", "--json")
        self.assertEqual((code, json.loads(out)), (0, samples.app()))
        self.assertEqual(out.count("\n"), 1)

    def test_no_colours_off_a_terminal(self):
        self.primary(answer(Status={"app": samples.app()}))
        self.assertNotIn("\033", self.run_it("status")[1])

    def test_colours_on_a_terminal(self):
        self.primary(answer(Status={"app": samples.app()}))
        self.assertIn("\033[32mrunning\033[0m", self.run_on_terminal("status")[1])

    def test_no_color_is_heard(self):
        self.environment["NO_COLOR"] = "1"
        self.primary(answer(Status={"app": samples.app()}))
        self.assertNotIn("\033", self.run_on_terminal("status")[1])

    def test_worker_cannot_drive_the_terminal(self):
        evil = samples.worker(0, status="\033]0;owned\007 \u202e \x9b2J")
        self.primary(answer(Status={"app": samples.app(workers=[evil])}))
        self.environment["NO_COLOR"] = "1"
        for arguments in (("status",), ("status", "--json")):
            with self.subTest(arguments):
                out = self.run_on_terminal(*arguments)[1]
                for character in ("\033", "\007", "\u202e", "\x9b"):
                    self.assertNotIn(character, out)
                self.assertIn("owned", out)

    def watch(self):
        """Watched until the primary has told of two events and then hangs up."""
        states = [samples.app(), samples.app(admitted=1)]

        def status(talk, call):
            talk.reply({"app": states[0]})

        def events(talk, call):
            for number in range(2):
                self.shown.wait_for("Status", number + 1)
                states.reverse()
                talk.reply({"event": {"seq": number}}, continues=True)
            self.shown.wait_for("Status", 3)
            return False
        self.shown = self.primary(answer(Status=status, Events=events))

    def test_watch_writes_blocks_off_a_terminal(self):
        self.watch()
        code, out, err = self.run_it("status", "--watch")
        self.assertEqual(code, 3)
        self.assertIn("hung up", err)
        self.assertEqual(len(out.split("\n\nweb: ")), 3)
        self.assertNotIn("\033", out)

    def test_watch_json_is_a_line_each(self):
        self.watch()
        out = self.run_it("status", "--watch", "--json")[1]
        self.assertEqual([json.loads(line)["admitted"] for line in out.splitlines()], [2, 1, 2])

    def test_watch_redraws_on_a_terminal(self):
        self.watch()
        out = self.run_on_terminal("status", "--watch")[1]
        self.assertIn("F\033[J", out)
        self.assertIn("degraded", out)

    def test_watch_ends_well_at_timeout(self):
        def events(talk, call):
            talk.wait_for_hang_up()
            return False
        self.primary(answer(Status={"app": samples.app()}, Events=events))
        code, out, err = self.run_it("status", "--watch", "--timeout", "0.2")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("running", out)


class List(Case):
    def fill(self):
        self.primary(answer(Status={"app": samples.app()}))
        self.primary(lambda talk, call: talk.send_bytes(b"?\0"), "odd")
        self.stale("old")

    def test_table_of_all(self):
        self.fill()
        code, out, err = self.run_it("list")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(out.splitlines(), [
            "APP  STATE          READY  REVISION  RELEASE  PID",
            "odd  broken answer",
            "old  not running",
            "web  running        2/2    7         abc      99",
        ])

    def test_json_of_all(self):
        self.fill()
        code, out, _ = self.run_it("list", "--json")
        self.assertEqual(code, 0)
        self.assertEqual(json.loads(out), {"apps": [
            {"name": "odd", "state": "broken answer"}, {"name": "old", "state": "not running"},
            {"name": "web", "state": "running", "app": samples.app()},
        ]})

    def test_no_apps(self):
        self.assertEqual(self.run_it("list"), (0, "no app is running\n", ""))
        self.assertEqual(self.run_it("list", "--json"), (0, '{"apps":[]}\n', ""))


class Scale(Case):
    def test_scale_asks_and_tells(self):
        primary = self.primary(answer(Scale={"desired": 8, "before": 2}))
        self.assertEqual(self.run_it("scale", "web", "8"),
                         (0, "web: 8 workers wanted, 2 before\n", ""))
        self.assertEqual(primary.calls[0]["parameters"], {"workers": 8})

    def test_scale_without_app(self):
        self.primary(answer(Scale={"desired": 8, "before": 2}))
        code, out, _ = self.run_it("scale", "8", "--json")
        self.assertEqual((code, json.loads(out)), (0, {"desired": 8, "before": 2}))

    def test_scale_refused(self):
        self.primary(lambda talk, call: talk.error("io.reloadd.Stopping", {}))
        self.assertEqual(self.run_it("scale", "web", "8"),
                         (5, "", "reloadctl: web: refused: it is stopping\n"))


class Stop(Case):
    def test_stop_waits_until_the_primary_is_gone(self):
        asked = []

        def stop(talk, call):
            asked.append(call["parameters"])
            talk.reply({})
            primary.wait_for("Status", 1)
            os.unlink(primary.path)  # as one that leaves does
            return False
        leaving = samples.app(workers=[samples.worker(0, state="draining")])
        leaving["rollout"].update(state="stopping", waits_for="3 connections")
        primary = self.primary(answer(Stop=stop, Status={"app": leaving}))
        code, out, err = self.run_it("stop", "--hurry")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(out, "web: stopping, 1 worker left; waits for 3 connections\n"
                              "web: stopped\n")
        self.assertEqual(asked, [{"hurry": True}])

    def test_stop_goes_on_with_the_next_primary(self):
        leaving = samples.app(survives=True)
        leaving["rollout"].update(state="stopping")

        def stop(talk, call):
            talk.reply({})
            if primary.methods().count("Stop") == 2:
                os.unlink(primary.path)
            return False
        primary = self.primary(answer(Stop=stop, Status={"app": leaving}))
        code, out, err = self.run_it("stop")
        self.assertEqual((code, err), (0, ""))
        self.assertTrue(out.endswith("web: stopped\n"))
        self.assertEqual(primary.methods().count("Stop"), 2)

    def test_stop_leaves_a_primary_alone_that_was_started_again(self):
        def stop(talk, call):
            talk.reply({})
            return False
        primary = self.primary(answer(Stop=stop, Status={"app": samples.app()}))
        self.assertEqual(self.run_it("stop")[0], 0)
        self.assertEqual(primary.methods().count("Stop"), 1)

    def test_stop_at_timeout_is_not_yet(self):
        def stop(talk, call):
            talk.reply({})
            talk.wait_for_hang_up()
            return False
        self.primary(answer(Stop=stop, Status={"app": samples.app()}))
        code, _, err = self.run_it("stop", "--timeout", "0.1")
        self.assertEqual(code, 6)
        self.assertIn("still stopping at the end of --timeout", err)


class Records(Case):
    LINES = [{"at": 0.0, "text": "hello\033[2J", "slot": 1, "revision": 7, "worker": 11},
             {"at": 1.0, "text": "from the primary"}]

    def logs(self, talk, call):
        for line in self.LINES:
            talk.reply({"lines": [line]}, continues=True)
        talk.reply({"lines": []})

    def test_logs_show_lines_raw_off_a_terminal(self):
        primary = self.primary(answer(Status={"app": samples.app()}, Logs=self.logs))
        self.assertEqual(self.run_it("logs", "-n", "5", "--worker", "1", "--revision", "7",
                                     "--since", "@3"), (
            0, "1970-01-01 00:00:00 1 | hello\033[2J\n"
               "1970-01-01 00:00:01 primary | from the primary\n", ""))
        self.assertEqual(primary.methods(), ["Status", "Logs"])
        self.assertEqual(primary.calls[1]["parameters"], {
            "lines": 5, "slot": 1, "revision": 7, "since": 3.0})
        self.assertTrue(primary.calls[1]["more"])

    def test_logs_are_made_safe_on_a_terminal(self):
        self.primary(answer(Status={"app": samples.app()}, Logs=self.logs))
        self.environment["NO_COLOR"] = "1"
        self.assertIn("1 | hello\\x1b[2J\n", self.run_on_terminal("logs")[1])

    def test_logs_json_is_a_line_each(self):
        self.primary(answer(Status={"app": samples.app()}, Logs=self.logs))
        out = self.run_it("logs", "--json")[1]
        self.assertEqual([json.loads(line)["lines"] for line in out.splitlines()],
                         [[self.LINES[0]], [self.LINES[1]], []])

    def test_logs_follow_until_the_primary_ends(self):
        def logs(talk, call):
            self.assertTrue(call["parameters"]["follow"])
            talk.reply({"lines": [self.LINES[1]]}, continues=True)
            return False
        self.primary(answer(Status={"app": samples.app()}, Logs=logs))
        code, out, _ = self.run_it("logs", "-f")
        self.assertEqual((code, out),
                         (3, "1970-01-01 00:00:01 primary | from the primary\n"))

    def test_logs_of_unknown_slot_is_usage(self):
        self.primary(lambda talk, call: talk.error("org.varlink.service.InvalidParameter",
                                                   {"parameter": "slot"}))
        self.assertEqual(self.run_it("logs", "--worker", "9")[0], 2)

    def test_events_are_lines_of_json(self):
        def events(talk, call):
            for number in range(3):
                talk.reply({"event": {"seq": number}}, continues=True)
            talk.reply({"event": {"seq": 3}})
        self.primary(answer(Events=events))
        self.assertEqual(self.run_it("events"),
                         (0, "".join(f'{{"seq":{number}}}\n' for number in range(4)), ""))

    def test_endless_stream_ends_with_its_reader(self):
        def events(talk, call):
            while True:
                talk.reply({"event": {"seq": 1}}, continues=True)
        self.primary(answer(Events=events))
        process = self.start("events", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.readline()
        process.stdout.close()
        self.assertEqual((process.stderr.read(), process.wait(60)), (b"", 0))
        process.stderr.close()

    def test_full_disk_is_said(self):
        self.primary(answer(Status={"app": samples.app()}))
        with open("/dev/full", "wb") as full:
            code, _, err = self.run_it("status", stdout=full)
        self.assertEqual((code, err), (1, "reloadctl: not all of the output could be written\n"))

    def test_closed_stdout_gets_no_socket(self):
        primary = self.primary(answer(Status={"app": samples.app()}))
        done = subprocess.run(["sh", "-c", 'exec "$0" status >&-', self.program], cwd="/",
                              check=False, timeout=60, stderr=subprocess.PIPE, **self.options())
        self.assertEqual(done.returncode, 0)
        self.assertEqual(primary.methods(), ["Status"])

    def test_history_table(self):
        entry = {"accepted": 0.0, "exec": ["node", "app.js"], "working_directory": "/srv",
                 "executable": "/usr/bin/node"}
        self.primary(answer(History={"revisions": [
            {**entry, "revision": 7, "outcome": "complete", "ended": 2.0, "stable": True},
            {**entry, "revision": 8, "outcome": "failed", "ended": 3.0, "stable": False,
             "release": "bad", "failure": samples.failure()},
        ]}))
        code, out, _ = self.run_it("history")
        self.assertEqual(code, 0)
        self.assertEqual(out.splitlines(), [
            "REVISION  RELEASE  ACCEPTED             OUTCOME   AFTER          COMMAND",
            "7                  1970-01-01 00:00:00  complete  2.0 s  serves  node app.js",
            "8         bad      1970-01-01 00:00:00  failed    3.0 s          node app.js",
            "revision 8 failed: worker 12 (slot 0, revision 8) exited with status 1",
        ])
        self.assertEqual(len(json.loads(self.run_it("history", "--json")[1])["revisions"]), 2)


if __name__ == "__main__":
    unittest.main()
