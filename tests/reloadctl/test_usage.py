"""Command lines: what is wrong with them, and what run and check make of them."""

import os
import unittest

from harness import Case


class Usage(Case):
    def test_no_verb_shows_usage(self):
        code, out, err = self.run_it()
        self.assertEqual((code, out), (2, ""))
        self.assertIn("Usage: reloadctl VERB", err)

    def test_unknown_verb_suggests(self):
        self.assertEqual(self.run_it("relaod"),
                         (2, "", 'reloadctl: there is no verb "relaod"; did you mean reload?\n'))

    def test_distant_verb_suggests_nothing(self):
        self.assertEqual(self.run_it("frobnicate"),
                         (2, "", 'reloadctl: there is no verb "frobnicate"; see reloadctl help\n'))

    def test_unknown_option_suggests(self):
        self.assertEqual(
            self.run_it("reload", "--relase", "x"),
            (2, "", "reloadctl: reload has no option --relase; did you mean --release?\n"))

    def test_option_of_another_verb_refused(self):
        code, _, err = self.run_it("list", "--hurry")
        self.assertEqual(code, 2)
        self.assertIn("list has no option --hurry", err)

    def test_wrong_values_refused(self):
        for arguments, words in (
                (("reload", "--timeout", "soon"), "--timeout takes a number of seconds"),
                (("reload", "--timeout", "-1"), "--timeout takes a number of seconds"),
                (("reload", "--timeout", "nan"), "--timeout takes a number of seconds"),
                (("reload", "--timeout"), "reload: --timeout wants a value"),
                (("reload", "--json=x"), "reload: --json takes no value"),
                (("reload", "-x"), "reload has no option -x"),
                (("reload", "--queue", "--refuse"), "exclude each other"),
                (("logs", "-n", "-3"), "--lines takes a number"),
                (("logs", "--worker", "4096"), "--worker takes a number"),
                (("logs", "--revision", "x"), "--revision takes a number"),
                (("logs", "--since", "later"), "--since takes a time such as"),
                (("scale", "web", "0"), "scale takes a number of workers"),
                (("scale", "web", "many"), "scale takes a number of workers"),
                (("scale",), "usage: reloadctl scale"),
                (("status", "a", "b"), "usage: reloadctl status"),
                (("check",), "usage: reloadctl check"),
                (("run",), "run what?"),
                (("run", "-i", "0", "--", "x"), "--workers takes a number"),
                (("status", "../etc"), "can't be the name of an app"),
                (("help", "reloda"), "did you mean reload?"),
        ):
            with self.subTest(arguments):
                code, out, err = self.run_it(*arguments)
                self.assertEqual((code, out), (2, ""))
                self.assertIn(words, err)

    def test_help_names_every_verb(self):
        code, out, _ = self.run_it("help")
        self.assertEqual(code, 0)
        for verb in ("run", "check", "status", "list", "reload", "scale", "stop", "logs",
                     "history", "events", "version", "help"):
            self.assertIn(f"\n  {verb} ", out)
            code, text, _ = self.run_it("help", verb)
            self.assertEqual(code, 0)
            self.assertIn(f"Usage: reloadctl {verb} ", text)
            self.assertEqual(self.run_it(verb, "--help")[1], text)

    def test_version_in_words_and_json(self):
        self.assertRegex(self.run_it("version")[1], r"^reloadctl \d+\.\d+\.\d+\n$")
        self.assertRegex(self.run_it("--version")[1], r"^reloadctl \d+\.\d+\.\d+\n$")
        self.assertRegex(self.run_it("version", "--json")[1], r'^{"version":"\d+\.\d+\.\d+"}\n$')


class Daemon(Case):
    def test_run_translates_its_arguments(self):
        self.daemon()
        code, out, err = self.run_it("run", "--name", "web", "-l", "127.0.0.1:1", "--listen",
                                     "/x.sock", "-i", "max", "--release", "r 1", "node", "app.js",
                                     "--name", "y")
        self.assertEqual((code, err), (42, ""))
        self.assertEqual(out.split("\n")[:-1],
                         ["--foreground", "--name", "web", "--listen", "127.0.0.1:1", "--listen",
                          "/x.sock", "--workers", "max", "--release", "r 1", "--", "node",
                          "app.js", "--name", "y"])

    def test_run_with_config_alone_has_no_command(self):
        self.daemon()
        code, out, _ = self.run_it("run", "--config", "web.json")
        self.assertEqual((code, out), (42, "--foreground\n--config\nweb.json\n"))

    def test_check_translates_its_arguments(self):
        self.daemon()
        self.assertEqual(self.run_it("check", "web.json"),
                         (42, "--check\n--config\nweb.json\n", ""))
        self.assertEqual(self.run_it("check", "--json", "web.json"),
                         (42, "--check\n--config\nweb.json\n--json\n", ""))

    def test_run_without_daemon_beside_looks_in_path(self):
        self.daemon()
        other = os.path.join(self.folder, "other")
        os.rename(os.path.join(self.bin, "reloadd"), other)
        os.mkdir(os.path.join(self.folder, "path"), 0o755)
        os.rename(other, os.path.join(self.folder, "path", "reloadd"))
        self.environment["PATH"] = os.path.join(self.folder, "path")
        self.assertEqual(self.run_it("run", "x"), (42, "--foreground\n--\nx\n", ""))

    def test_run_without_any_daemon_says_so(self):
        self.environment["PATH"] = self.bin
        self.assertEqual(self.run_it("run", "x"),
                         (3, "", "reloadctl: reloadd can't be run: No such file or directory\n"))


if __name__ == "__main__":
    unittest.main()
