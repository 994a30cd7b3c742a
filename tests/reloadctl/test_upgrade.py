"""upgrade: the primary executes its program anew, and the new one has the app."""

import json
import os
import unittest

import samples
from fake_primary import answer
from harness import Case


class Upgrade(Case):
    """`after` changes what the primary says of itself, from its `turns`th Status after the exec."""

    def upgrade(self, *arguments, turns=1, **after):
        before = samples.app(survives=True)
        asked = []

        def status(talk, _):
            if asked:
                asked.append("Status")
            talk.reply({"app": {**before, **after} if len(asked) > turns else before})

        def execute(talk, call):
            asked.append("Upgrade")
            talk.reply({}, continues=call.get("more", False))
            return False
        self.fake = self.primary(answer(Status=status, Upgrade=execute))
        return self.run_it("upgrade", *arguments)

    def test_versions_and_workers_are_told(self):
        self.assertEqual(self.upgrade(version="0.1.1", started=1000.0), (
            0, "web: reloadd 0.1.0 → 0.1.1, same pid 99, 2 workers went on\n", ""))
        self.assertEqual(self.fake.methods(), ["Status", "Upgrade", "Status"])
        self.assertTrue(self.fake.calls[1]["more"])

    def test_the_same_version_is_another_primary_by_its_start(self):
        code, out, _ = self.upgrade(started=1000.0)
        self.assertEqual((code, out),
                         (0, "web: reloadd 0.1.0 → 0.1.0, same pid 99, 2 workers went on\n"))

    def test_the_old_program_is_not_taken_for_the_new_one(self):
        code, _, _ = self.upgrade(turns=3, version="0.1.1", started=1000.0)
        self.assertEqual(code, 0)
        self.assertEqual(self.fake.methods().count("Status"), 4)

    def test_what_went_wrong_is_told(self):
        code, out, _ = self.upgrade(version="0.1.1", started=1000.0, pid=100,
                                    workers=[samples.worker(0), samples.worker(1, pid=200)])
        self.assertEqual((code, out), (
            0, "web: reloadd 0.1.0 → 0.1.1, pid 99 → 100, 1 of 2 workers went on\n"))

    def test_json_is_the_new_primary(self):
        code, out, _ = self.upgrade("--json", version="0.1.1", started=1000.0)
        self.assertEqual((code, json.loads(out)["version"]), (0, "0.1.1"))


class Refusal(Case):
    def test_refused_is_exit_5_with_the_reason(self):
        def refuse(talk, _):
            talk.error("io.reloadd.UpgradeRefused", {"text": "line 3 of the journal is too new"})
        self.primary(answer(Status={"app": samples.app()}, Upgrade=refuse))
        self.assertEqual(self.run_it("upgrade"), (
            5, "", "reloadctl: web: refused: line 3 of the journal is too new\n"))
        code, out, _ = self.run_it("upgrade", "--json")
        self.assertEqual((code, json.loads(out)["error"]), (5, "io.reloadd.UpgradeRefused"))

    def test_primary_without_upgrade_is_exit_3(self):
        def unknown(talk, call):
            talk.error("org.varlink.service.MethodNotFound", {"method": call["method"]})
        self.primary(answer(Status={"app": samples.app()}, Upgrade=unknown))
        code, _, err = self.run_it("upgrade")
        self.assertEqual(code, 3)
        self.assertIn("is it of another version?", err)

    def check_absence(self, script):
        self.fake = self.primary(answer(Status={"app": samples.app()}, Upgrade=script))
        code, _, err = self.run_it("upgrade", "--timeout", "0.3")
        self.assertEqual(code, 6)
        return err

    def test_not_coming_back_is_exit_6(self):
        def execute(talk, _):
            os.unlink(self.fake.path)
            talk.reply({}, continues=True)
            return False
        self.assertIn("the upgraded primary did not come back in time",
                      self.check_absence(execute))

    def test_silent_primary_is_exit_6(self):
        def wait(talk, _):
            talk.wait_for_hang_up()
            return False
        self.assertIn("no answer in the time that --timeout gives", self.check_absence(wait))


if __name__ == "__main__":
    unittest.main()
