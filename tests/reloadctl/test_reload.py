"""reload: each way it can end, on a terminal and off, and a primary that goes away meanwhile."""

import json
import os
import threading
import unittest

import fake_primary
import samples
from harness import Case


def answer(**replies):
    """A primary that also says how it is, as every one does when it is asked to reload."""
    return fake_primary.answer(**{"Status": {"app": samples.app()}, **replies})


class Outcomes(Case):
    def reload(self, ending, *arguments):
        primary = self.primary(answer(Reload=lambda talk, call: samples.roll_out(talk, ending)))
        return primary, self.run_it("reload", *arguments)

    def test_complete_tells_each_step(self):
        primary, (code, out, err) = self.reload(samples.outcome(), "--release", "v8", "--wait")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(out.splitlines(), [
            "slot 0: worker 12 (revision 8, pid 102) starting",
            "slot 0: worker 12 (revision 8, pid 102) warming after 0.2 s",
            "slot 0: worker 12 (revision 8, pid 102) ready after 0.5 s",
            "slot 0: worker 10 (revision 7, pid 100) draining",
            "slot 0: worker 10 (revision 7, pid 100) gone after 0.8 s",
            "web: revision 8 complete after 1.2 s",
        ])
        self.assertEqual(primary.calls[1], {
            "method": "io.reloadd.Reload", "more": True,
            "parameters": {"release": "v8"}})

    def test_failed_tells_reason_and_lines(self):
        _, (code, out, err) = self.reload(
            samples.outcome("failed", release="v8", failure=samples.failure()))
        self.assertEqual(code, 1)
        self.assertTrue(out.endswith("web: revision 8 (v8) failed after 1.2 s\n"))
        self.assertEqual(err, "reloadctl: web: revision 8: worker 12 (slot 0, revision 8) exited "
                              "with status 1\n"
                              "  | Error: no such module\n  |     at app.js:1\n")

    def test_superseded(self):
        self.assertEqual(self.reload(samples.outcome("superseded"))[1][0], 4)

    def test_refused_outcome(self):
        self.assertEqual(self.reload(samples.outcome("refused"))[1][0], 5)

    def test_unknown_outcome(self):
        _, (code, _, err) = self.reload(samples.outcome("exploded"))
        self.assertEqual(code, 3)
        self.assertIn("unknown outcome: exploded", err)

    def test_json_is_a_line_each(self):
        _, (code, out, _) = self.reload(samples.outcome(), "--json")
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(code, 0)
        self.assertEqual(lines[0], {"revision": 8})
        self.assertEqual(lines[1:-1], samples.STEPS)
        self.assertEqual(lines[-1]["outcome"]["outcome"], "complete")

    def test_no_wait_returns_at_once(self):
        primary = self.primary(answer(Reload={"revision": 8}))
        self.assertEqual(self.run_it("reload", "--no-wait", "--queue"),
                         (0, "web: revision 8 accepted\n", ""))
        self.assertEqual(primary.calls[1]["parameters"]["conflict"], "queue")
        self.assertNotIn("more", primary.calls[1])

    def test_live_lines_on_a_terminal(self):
        self.primary(answer(Reload=lambda talk, call: samples.roll_out(talk, samples.outcome())))
        code, out = self.run_on_terminal("reload")
        self.assertEqual(code, 0)
        self.assertIn("\033[2F\033[J", out)
        last = out.split("\033[J")[-1]
        self.assertIn("slot 0   revision 8    pid 102", last)
        self.assertIn("\033[32mready\033[0m", last)
        self.assertIn("\033[32mgone\033[0m", last)
        self.assertTrue(last.endswith("complete\033[0m after 1.2 s\n"))

    def test_dumb_terminal_gets_plain_lines(self):
        self.environment["TERM"] = "dumb"
        self.primary(answer(Reload=lambda talk, call: samples.roll_out(talk, samples.outcome())))
        out = self.run_on_terminal("reload")[1]
        self.assertNotIn("\033", out)
        self.assertIn("slot 0: worker 10 (revision 7, pid 100) gone after 0.8 s\n", out)


class Refusals(Case):
    def check(self, error, parameters, words):
        self.primary(lambda talk, call: talk.error("io.reloadd." + error, parameters))
        code, out, err = self.run_it("reload")
        self.assertEqual((code, out), (5, ""))
        self.assertIn(words, err)
        code, out, _ = self.run_it("reload", "--json")
        self.assertEqual(code, 5)
        self.assertEqual(json.loads(out),
                         {"error": "io.reloadd." + error, "parameters": parameters})

    def test_config_invalid(self):
        self.check("ConfigInvalid", {"messages": ["web.json:3:5: $.workers: expected …"]},
                   "  web.json:3:5: $.workers: expected …\n")

    def test_check_failed(self):
        self.check("CheckFailed", {"text": "exited with status 1", "lines": ["line 1"]},
                   "  | line 1\n")

    def test_busy(self):
        self.check("Busy", {"revision": 7, "text": "revision 7 is being rolled out"},
                   "refused: revision 7 is being rolled out")

    def test_stopping(self):
        self.check("Stopping", {}, "it is stopping")

    def test_journal_failed(self):
        self.check("JournalFailed", {"text": "No space left on device"}, "No space left")

    def test_not_allowed(self):
        self.check("NotAllowed", {"text": "only root may"}, "only root may")


class Breaks(Case):
    def test_timeout_tells_what_it_waits_for(self):
        def reload(talk, call):
            talk.reply({"revision": 8}, continues=True)
            talk.wait_for_hang_up()
            return False
        waiting = samples.app(workers=[samples.worker(0), samples.worker(
            1, state="starting", waits_for="READY=1")])
        waiting["rollout"].update(state="forward", waits_for="1 worker to get ready")
        self.primary(answer(Reload=reload, Status={"app": waiting}))
        code, _, err = self.run_it("reload", "--timeout", "0.2")
        self.assertEqual(code, 6)
        self.assertIn("no outcome after 0.2 s (--timeout); the reload goes on", err)
        self.assertIn("  waits for 1 worker to get ready\n", err)
        self.assertIn("  slot 1 (pid 101): starting, waits for READY=1\n", err)

    def test_hang_up_before_acceptance_is_exit_3(self):
        primary = self.primary(answer(Reload=lambda talk, call: False))
        code, _, err = self.run_it("reload")
        self.assertEqual(code, 3)
        self.assertIn("hung up without an answer", err)
        self.assertEqual(primary.methods(), ["Status", "Reload"])

    def test_hang_up_before_anything_is_exit_3(self):
        primary = self.primary(lambda talk, call: False)
        code, _, err = self.run_it("reload")
        self.assertEqual(code, 3)
        self.assertIn("hung up without an answer", err)
        self.assertEqual(set(primary.methods()), {"Status"})

    def test_primary_that_comes_back_is_followed(self):
        def reload(talk, call):
            talk.reply({"revision": 8}, continues=True)
            return False
        primary = self.primary(answer(
            Reload=reload, Follow={"revision": 8, "outcome": samples.outcome()}))
        code, out, err = self.run_it("reload")
        self.assertEqual(code, 0)
        self.assertIn("the primary is gone; waiting for it to come back", err)
        self.assertEqual(out, "web: revision 8 complete after 1.2 s\n")
        self.assertEqual(primary.methods(), ["Status", "Reload", "Follow"])
        self.assertEqual(primary.parameters("Follow"), [{"revision": 8}])

    def test_primary_that_restarts_is_found_again(self):
        gone = threading.Event()

        def reload(talk, call):
            talk.reply({"revision": 8}, continues=True)
            gone.set()
            return False
        first = self.primary(answer(Reload=reload))
        process = self.start("reload", stdout=-1, stderr=-1)
        gone.wait(60)
        first.close()
        self.primary(answer(Follow={"revision": 8, "outcome": samples.outcome("failed")}))
        out, _ = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out),
                         (1, b"web: revision 8 failed after 1.2 s\n"))

    def test_primary_that_has_forgotten_is_exit_3(self):
        def reload(talk, call):
            talk.reply({"revision": 8}, continues=True)
            return False

        def follow(talk, call):
            talk.error("io.reloadd.NoSuchRevision", {"revision": 8})
        self.primary(answer(Reload=reload, Follow=follow))
        code, _, err = self.run_it("reload")
        self.assertEqual(code, 3)
        self.assertIn("web knows no revision 8", err)

    def test_primary_that_stays_away_ends_at_timeout(self):
        def reload(talk, call):
            os.unlink(primary.path)
            talk.reply({"revision": 8}, continues=True)
            return False
        primary = self.primary(answer(Reload=reload))
        code, _, err = self.run_it("reload", "--timeout", "0.5")
        self.assertEqual(code, 6)
        self.assertIn("no outcome after", err)

    def test_half_a_step_is_a_break(self):
        def reload(talk, call):
            talk.reply({"revision": 8}, continues=True)
            talk.send_bytes(b'{"param')
            return False
        self.primary(answer(Reload=reload,
                            Follow={"revision": 8, "outcome": samples.outcome()}))
        self.assertEqual(self.run_it("reload")[0], 0)

    def test_stream_that_ends_without_outcome_is_nonsense(self):
        self.primary(answer(Reload={"revision": 8}))
        code, _, err = self.run_it("reload")
        self.assertEqual(code, 3)
        self.assertIn("the last reply has no outcome", err)


def survivor(newest=7, **changes):
    """The Status of a primary whose workers outlive it."""
    return {"app": samples.app(survives=True, newest=newest, **changes)}


def entry(revision, **changes):
    return {"revision": revision, "outcome": "running", "accepted": 1000.0, "exec": ["app"],
            "working_directory": "/", "executable": "/bin/app", "stable": False, **changes}


class Survival(Case):
    """The primary is killed while somebody waits for a reload, and the next one goes on."""

    def kill(self, talk, call):
        """Before it has answered: it leaves its socket behind, as a killed one does."""
        del talk, call
        self.first.close(leave_file=True)
        self.killed.set()
        return False

    def kill_after_acceptance(self, talk, call):
        talk.reply({"revision": 8}, continues=True)
        return self.kill(talk, call)

    def reload(self, script, successor, *arguments, **first):
        """(exit code, stdout, stderr, the second primary) of a reload whose primary is killed."""
        self.killed = threading.Event()
        self.first = self.primary(answer(**{"Status": survivor(), "Reload": script, **first}))
        process = self.start("reload", *arguments, stdout=-1, stderr=-1)
        self.assertTrue(self.killed.wait(60))
        second = self.primary(successor)
        out, err = process.communicate(timeout=60)
        self.assert_clean(err)
        return process.returncode, out.decode(), err.decode(), second

    def test_killed_before_acceptance_is_asked_to_reload_again(self):
        code, out, err, second = self.reload(self.kill, answer(
            Status=survivor(),
            Reload=lambda talk, call: samples.roll_out(talk, samples.outcome())),
            "--release", "v8", "--queue")
        self.assertEqual(code, 0)
        self.assertTrue(out.endswith("web: revision 8 complete after 1.2 s\n"))
        self.assertEqual(err, "reloadctl: web: the primary is gone; waiting for it to come back\n")
        self.assertEqual(second.methods(), ["Status", "Reload"])
        self.assertEqual(second.parameters("Reload"), [{"release": "v8", "conflict": "queue"}])

    def test_killed_before_it_could_tell_the_acceptance_is_followed(self):
        code, out, _, second = self.reload(self.kill, answer(
            Status=survivor(8), History={"revisions": [entry(7), entry(8)]},
            Follow={"revision": 8, "outcome": samples.outcome()}))
        self.assertEqual((code, out), (0, "web: revision 8 complete after 1.2 s\n"))
        self.assertEqual(second.methods(), ["Status", "History", "Follow"])
        self.assertEqual(second.parameters("Follow"), [{"revision": 8}])

    def test_revision_of_another_label_is_not_ours(self):
        code, _, _, second = self.reload(self.kill, answer(
            Status=survivor(8), History={"revisions": [entry(7), entry(8, release="other")]},
            Reload={"revision": 9, "outcome": samples.outcome(revision=9)}), "--release", "mine")
        self.assertEqual(code, 0)
        self.assertEqual(second.methods(), ["Status", "History", "Reload"])

    def test_revision_that_never_began_is_asked_for_again(self):
        def unknown(talk, call):
            talk.error("io.reloadd.NoSuchRevision", call["parameters"])
        code, _, _, second = self.reload(self.kill, answer(
            Status=survivor(8), History={"revisions": [entry(8, outcome="refused")]},
            Follow=unknown, Reload={"revision": 9, "outcome": samples.outcome(revision=9)}))
        self.assertEqual(code, 0)
        self.assertEqual(second.methods(), ["Status", "History", "Follow", "Reload"])

    def test_killed_between_steps_is_followed_to_the_end(self):
        def reload(talk, call):
            talk.reply({"revision": 8}, continues=True)
            for step in samples.STEPS[:3]:
                talk.reply(step, continues=True)
            return self.kill(talk, call)

        def follow(talk, _):
            for step in samples.STEPS[3:]:
                talk.reply(step, continues=True)
            talk.reply({"revision": 8, "outcome": samples.outcome()})
        code, out, _, second = self.reload(reload, answer(Follow=follow))
        self.assertEqual(code, 0)
        self.assertEqual([line.rpartition(")")[2].split()[0] for line in out.splitlines()[:-1]],
                         ["starting", "warming", "ready", "draining", "gone"])
        self.assertEqual(second.methods(), ["Follow"])

    def test_outcome_of_the_time_without_a_primary_is_told(self):
        code, out, err, _ = self.reload(self.kill_after_acceptance, answer(
            Follow={"revision": 8, "outcome": samples.outcome(
                "failed", failure=samples.failure())}))
        self.assertEqual((code, out), (1, "web: revision 8 failed after 1.2 s\n"))
        self.assertIn("worker 12 (slot 0, revision 8) exited with status 1", err)

    def test_killed_again_and_again_is_told_once(self):
        left = [3]

        def follow(talk, call):
            left[0] -= 1
            if left[0] > 0:
                return False
            talk.reply({"revision": 8, "outcome": samples.outcome()})
            return True
        code, _, err, second = self.reload(self.kill_after_acceptance, answer(Follow=follow))
        self.assertEqual(code, 0)
        self.assertEqual(err.count("the primary is gone"), 1)
        self.assertEqual(second.methods(), ["Follow"] * 3)

    def test_killed_while_it_tells_how_it_is(self):
        code, _, _, second = self.reload(None, answer(
            Status=survivor(), Reload={"revision": 8, "outcome": samples.outcome()}),
            Status=self.kill)
        self.assertEqual(code, 0)
        self.assertEqual(second.methods(), ["Status", "Reload"])

    def test_json_goes_on_in_lines(self):
        code, out, _, _ = self.reload(self.kill_after_acceptance, answer(
            Follow={"revision": 8, "outcome": samples.outcome()}), "--json")
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(code, 0)
        self.assertEqual(lines[0], {"revision": 8})
        self.assertEqual(lines[1]["outcome"]["outcome"], "complete")

    def test_no_wait_learns_that_it_was_accepted(self):
        for arguments, words in ((), "web: revision 8 accepted\n"), (
                ("--json",), '{"revision":8}\n'):
            with self.subTest(arguments):
                code, out, _, second = self.reload(self.kill, answer(
                    Status=survivor(8), History={"revisions": [entry(8)]}),
                    "--no-wait", *arguments)
                self.assertEqual((code, out), (0, words))
                self.assertEqual(second.methods(), ["Status", "History"])
                second.close()

    def test_killed_a_moment_before_is_waited_for(self):
        self.stale("web")
        process = self.start("reload", stdout=-1, stderr=-1)
        self.primary(answer(Reload={"revision": 8, "outcome": samples.outcome()}))
        _, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, err), (0, b""))

    def test_killed_long_before_is_exit_3(self):
        self.stale("web")
        code, _, err = self.run_it("reload", "web")
        self.assertEqual(code, 3)
        self.assertIn("the primary of web is not running; it left its socket", err)

    def test_not_coming_back_is_exit_6_at_timeout(self):
        self.killed = threading.Event()
        for script in (self.kill, self.kill_after_acceptance):
            self.first = self.primary(answer(Status=survivor(), Reload=script))
            code, _, err = self.run_it("reload", "--timeout", "0.5")
            self.assertEqual(code, 6)
            self.assertIn("waiting for it to come back", err)
            self.assertIn("no outcome after", err)

    def test_systemd_is_not_waited_for_by_what_it_waits_for(self):
        self.killed = threading.Event()
        self.environment["MAINPID"] = "99"
        self.first = self.primary(answer(Status=survivor(), Reload=self.kill_after_acceptance))
        code, _, err = self.run_it("reload")
        self.assertEqual(code, 6)
        self.assertIn("systemd starts it again when this command has ended", err)
        self.assertEqual(self.first.methods(), ["Status", "Reload"])


if __name__ == "__main__":
    unittest.main()
