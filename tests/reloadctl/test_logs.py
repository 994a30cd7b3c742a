"""logs, read from the system journal: real journal files in a folder, and the real reloadctl."""

import json
import os
import shutil
import subprocess
import sys
import time

import journal_folder
import samples
from fake_primary import answer
from harness import Case, TIME_LIMIT
from journal_folder import manager, primary, worker

if not journal_folder.is_there():
    print("skipped: there is no systemd-journal-remote here (tests/setup test)")
    sys.exit(77)

ROOT_OF_TIME = "2023-11-14 22:13:"

ENTRIES = (
    primary("revision 1: accepted"),
    worker(1, 0, 1, "one begins"),
    worker(2, 1, 1, "two begins"),
    manager("web.service: Main process exited, code=killed, status=9/KILL"),
    primary("adopted 2 workers"),
    worker(3, 0, 2, "three begins"),
    worker(1, 0, 1, "one ends"),
)
SHOWN = (
    "20 primary | revision 1: accepted",
    "21 0 | one begins",
    "22 1 | two begins",
    "23 systemd | web.service: Main process exited, code=killed, status=9/KILL",
    "24 primary | adopted 2 workers",
    "25 0 | three begins",
    "26 0 | one ends",
)


class Journal(Case):
    def setUp(self):
        super().setUp()
        self.journal = os.path.join(self.folder, "journal")

    def fill(self, *entries):
        journal_folder.fill(self.journal, *entries)
        self.open_up()

    def open_up(self):
        """journal files are born for root's eyes alone, and reloadctl runs as somebody else."""
        for name in os.listdir(self.journal):
            os.chmod(os.path.join(self.journal, name), 0o644)

    def logs(self, *arguments, app="web"):
        return self.run_it("logs", app, "--directory", self.journal, *arguments)

    def check(self, lines, *arguments):
        expected = "".join(ROOT_OF_TIME + line + "\n" for line in lines)
        self.assertEqual(self.logs(*arguments), (0, expected, ""))


class Filters(Journal):
    def setUp(self):
        super().setUp()
        self.fill(*ENTRIES)

    def test_all_are_shown_in_the_order_of_their_coming(self):
        self.check(SHOWN)

    def test_newest_lines(self):
        self.check(SHOWN[-2:], "-n", "2")
        self.check(SHOWN, "-n", "7")
        self.check(SHOWN, "-n", "8")
        self.check((), "-n", "0")

    def test_slot(self):
        self.check((SHOWN[1], SHOWN[5], SHOWN[6]), "--worker", "0")
        self.check((SHOWN[2],), "--worker", "1")
        self.check((), "--worker", "2")

    def test_revision(self):
        self.check((SHOWN[1], SHOWN[2], SHOWN[6]), "--revision", "1")
        self.check((SHOWN[5],), "--revision", "2")
        self.check((), "--revision", "12")

    def test_slot_and_revision_and_newest(self):
        self.check((SHOWN[6],), "--worker", "0", "--revision", "1", "-n", "1")

    def test_since(self):
        self.check(SHOWN[3:], "--since", "2023-11-14 22:13:23")
        self.check(SHOWN[6:], "--since", "@%d" % (journal_folder.EPOCH + 6))
        self.check((), "--since", "@%d" % (journal_folder.EPOCH + 7))
        self.check(SHOWN, "--since", "2023-11-14")

    def test_since_and_newest(self):
        self.check(SHOWN[5:], "--since", "@%d" % (journal_folder.EPOCH + 3), "-n", "2")
        self.check(SHOWN[5:], "--since", "@%d" % (journal_folder.EPOCH + 5), "-n", "4")

    def test_since_shows_more_than_the_usual_number(self):
        self.journal += "-long"
        self.fill(*(worker(1, 0, 1, "line") for _ in range(250)))
        self.assertEqual(self.logs()[1].count("\n"), 100)
        self.assertEqual(self.logs("--since", "2023-11-14")[1].count("\n"), 250)

    def test_json_has_the_form_of_the_protocol(self):
        lines = [json.loads(line)["lines"] for line in self.logs("--json")[1].splitlines()]
        self.assertEqual([len(each) for each in lines], [1] * len(ENTRIES))
        self.assertEqual(lines[1], [{"at": journal_folder.EPOCH + 1.0, "text": "one begins",
                                     "slot": 0, "revision": 1, "worker": 1}])
        self.assertEqual(lines[3][0]["source"], "systemd")
        self.assertEqual(set(lines[4][0]), {"at", "text"})


class Sources(Journal):
    def test_other_apps_are_not_shown(self):
        self.fill(worker(1, 0, 1, "mine"), worker(1, 0, 1, "theirs", app="api"),
                  worker(1, 0, 1, "also theirs", app="web-api"), manager("theirs", app="api"))
        self.check(("20 0 | mine",))

    def test_nobody_can_write_as_a_worker_of_the_app(self):
        self.fill(worker(1, 0, 1, "forged", _SYSTEMD_UNIT="session-1.scope"),
                  manager("forged", _PID="77"), worker(1, 0, 1, "real"))
        self.check(("22 0 | real",))

    def test_worker_under_another_identifier_is_told_by_its_cgroup(self):
        self.fill(worker(12, 0, 1, "by syslog", SYSLOG_IDENTIFIER="nginx"),
                  worker(12, 0, 1, "deeper", SYSLOG_IDENTIFIER="nginx",
                         _SYSTEMD_CGROUP="/system.slice/web.service/worker-12/inner"))
        self.check(("20 worker 12 | by syslog", "21 worker 12 | deeper"))
        self.check((), "--worker", "0")

    def test_control_processes_are_named_as_what_they_are(self):
        self.fill(primary("web: revision 2 complete after 1.2 s", _COMM="reloadctl",
                          _SYSTEMD_CGROUP="/system.slice/web.service/.control"))
        self.check(("20 reloadctl | web: revision 2 complete after 1.2 s",))

    def test_lines_that_journald_dropped_are_told(self):
        self.fill(worker(1, 0, 1, "much"), {
            "MESSAGE": "Suppressed 4711 messages from web.service", "_UID": "0",
            "SYSLOG_IDENTIFIER": "systemd-journald", "OBJECT_SYSTEMD_UNIT": "web.service",
            "_SYSTEMD_UNIT": "systemd-journald.service"})
        self.check(("20 0 | much",
                    "21 systemd-journald | Suppressed 4711 messages from web.service"))

    def test_unit_of_the_user_comes_before_one_of_the_system(self):
        # run_it() is root's here only where the tests are not run by root
        uid = 65534 if os.geteuid() == 0 else os.geteuid()
        own = {"_SYSTEMD_USER_UNIT": "web.service", "_UID": str(uid),
               "_SYSTEMD_UNIT": f"user@{uid}.service"}
        self.fill(worker(1, 0, 1, "the system's"), worker(1, 0, 1, "mine", **own),
                  worker(1, 0, 1, "another user's", **dict(own, _UID="4711")))
        self.check(("21 0 | mine",))

    def test_worker_cannot_drive_the_terminal(self):
        self.fill(worker(1, 0, 1, b"\033]0;owned\007 a\0b \x9b2J"),
                  worker(1, 0, 1, "x", SYSLOG_IDENTIFIER="\033[2J",
                         _SYSTEMD_CGROUP="/system.slice/web.service/primary"))
        self.environment["NO_COLOR"] = "1"
        out = self.run_on_terminal("logs", "web", "--directory", self.journal)[1]
        for character in ("\033", "\007", "\0", "\x9b"):
            self.assertNotIn(character, out)
        self.assertIn("0 | \\x1b]0;owned\\x07 a?b", out)
        self.assertIn("\\x1b[2J | x", out)

    def test_line_that_is_no_utf_8_is_still_json(self):
        self.fill(worker(1, 0, 1, b"caf\xe9"))
        self.assertIn("caf", json.loads(self.logs("--json")[1])["lines"][0]["text"])


class Follow(Journal):
    def start_following(self, *arguments):
        process = self.start("logs", "web", "--directory", self.journal, "--follow", *arguments,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait, TIME_LIMIT)
        self.addCleanup(process.kill)
        return process

    def wait_until_shown(self):
        deadline = time.monotonic() + TIME_LIMIT
        while self.logs()[0] != 0:
            self.assertLess(time.monotonic(), deadline)
            self.open_up()

    def test_follow_shows_what_comes(self):
        journal = journal_folder.Growing(self.journal)
        self.addCleanup(journal.close)
        journal.add(worker(1, 0, 1, "old"))
        self.wait_until_shown()
        process = self.start_following("--worker", "0")
        self.assertEqual(process.stdout.readline(), ROOT_OF_TIME + "20 0 | old\n")
        journal.add(worker(2, 1, 1, "other slot"), worker(3, 0, 2, "new"))
        self.assertEqual(process.stdout.readline(), ROOT_OF_TIME + "22 0 | new\n")
        journal.add(worker(3, 0, 2, "newer"))
        self.assertEqual(process.stdout.readline(), ROOT_OF_TIME + "23 0 | newer\n")

    def test_follow_ends_with_its_reader(self):
        self.fill(*ENTRIES)
        process = self.start_following("-n", "1")
        self.assertEqual(process.stdout.readline(), ROOT_OF_TIME + SHOWN[-1] + "\n")
        process.stdout.close()
        self.assertEqual(process.wait(TIME_LIMIT), 0)

    def test_follow_ends_at_timeout(self):
        self.fill(*ENTRIES)
        code, out, err = self.logs("-f", "-n", "1", "--timeout", "0.1")
        self.assertEqual((code, out), (6, ROOT_OF_TIME + SHOWN[-1] + "\n"))
        self.assertIn("--timeout", err)


class Trouble(Journal):
    def test_folder_that_is_not_there(self):
        code, out, err = self.logs()
        self.assertEqual((code, out), (3, ""))
        self.assertIn("No such file or directory", err)

    def test_app_that_the_folder_does_not_know(self):
        self.fill(*ENTRIES)
        code, out, err = self.logs(app="api")
        self.assertEqual((code, out), (3, ""))
        self.assertIn("know nothing of api", err)

    def test_folder_without_an_app_is_usage(self):
        self.fill(*ENTRIES)
        code, _, err = self.run_it("logs", "--directory", self.journal)
        self.assertEqual(code, 2)
        self.assertIn("wants the name of an app", err)

    def test_garbled_file_does_not_hide_the_others(self):
        self.fill(*ENTRIES)
        for size in (1, 300, 100_000):
            with self.subTest(size):
                broken = os.path.join(self.journal, "broken.journal")
                with open(os.path.join(self.journal, "system.journal"), "rb") as whole, \
                        open(broken, "wb") as file:
                    file.write(whole.read(size))
                self.check(SHOWN)

    def test_journal_with_holes_ends_somehow_and_soon(self):
        self.fill(*(worker(1, 0, 1, f"line {number}") for number in range(300)))
        path = os.path.join(self.journal, "system.journal")
        with open(path, "r+b") as file:
            for offset in range(4096, os.stat(path).st_size, 40_000):
                file.seek(offset)
                file.write(b"\xff" * 64)
        code, _, _ = self.logs("-n", "1000")
        self.assertIn(code, (0, 3))

    def test_primary_whose_workers_write_there_and_no_journal_to_read(self):
        if os.path.exists("/run/systemd/journal/stdout"):
            self.skipTest("this machine has a journald")
        self.primary(answer(Status={"app": samples.app(survives=True)}))
        code, out, err = self.run_it("logs")
        self.assertEqual((code, out), (3, ""))
        self.assertIn("its workers write to the system journal", err)


class Cleanliness(Journal):
    def test_no_descriptor_or_memory_is_left(self):
        valgrind = shutil.which("valgrind")
        if not valgrind:
            self.skipTest("valgrind is not installed")
        with open(self.program, "rb") as program:
            if b"__asan_init" in program.read():
                self.skipTest("AddressSanitizer looks by itself")
        self.fill(*ENTRIES)
        done = subprocess.run(
            [valgrind, "--quiet", "--error-exitcode=99", "--leak-check=full",
             "--errors-for-leak-kinds=definite", self.program, "logs", "web", "--directory",
             self.journal, "--json"], env=self.environment, capture_output=True, check=False,
            timeout=TIME_LIMIT)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
