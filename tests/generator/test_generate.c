#include "os/scratch.h"

#include "generator/generate.h"
#include "os/text_file.h"

#include <sys/stat.h>

/* A folder of configurations and one for units, in the scratch folder. */
static struct generate_request begin(void **state, char configs[static PATH_MAX],
                                     char output[static PATH_MAX])
{
    assert_int_equal(mkdir(scratch_path(state, "configs", configs), 0755), 0);
    assert_int_equal(mkdir(scratch_path(state, "output", output), 0755), 0);
    return (struct generate_request){
        .configs = configs,
        .output = output,
        .programs = "/usr/bin",
        .systemd_version = 252,
    };
}

static void put(const char *folder, const char *name, const char *text)
{
    char path[2 * PATH_MAX];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static bool exists(const char *folder, const char *name)
{
    char path[2 * PATH_MAX];
    struct stat status;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return lstat(path, &status) == 0;
}

static char *get(const char *folder, const char *name)
{
    char path[2 * PATH_MAX];
    char *text = NULL;
    size_t size;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_int_equal(text_file_read_whole(AT_FDCWD, path, 1 << 20, &text, &size), 0);
    return text;
}

static void expect_line(const char *folder, const char *name, const char *line)
{
    _cleanup_free_ char *text = get(folder, name);

    if (!strstr(text, line))
        fail_msg("%s lacks %s:\n%s", name, line, text);
}

static void expect_no_line(const char *folder, const char *name, const char *line)
{
    _cleanup_free_ char *text = get(folder, name);

    if (strstr(text, line))
        fail_msg("%s has %s:\n%s", name, line, text);
}

static void generate_without_a_folder_does_nothing(void **state)
{
    char configs[PATH_MAX];
    char output[PATH_MAX];
    struct generate_request request = begin(state, configs, output);

    request.configs = "/nonexistent";
    assert_int_equal(generate(&request), 0);
}

static void generate_makes_units_that_are_wanted(void **state)
{
    char configs[PATH_MAX];
    char output[PATH_MAX];
    struct generate_request request = begin(state, configs, output);

    put(configs, "web.json",
        "{\"exec\": [\"x\"], \"listen\": [\"80\"], \"drain\": {\"timeout_seconds\": 90.5}}");
    assert_int_equal(generate(&request), 0);
    expect_line(output, "web.service", "\nExecReload=/usr/bin/reloadctl reload --wait web\n");
    expect_line(output, "web.service", "\nExecStopPost=-/usr/bin/reloadd --sweep --name web\n");
    expect_line(output, "web.service", "\nSockets=web.socket\n");
    expect_line(output, "web.service", "\nNonBlocking=yes\n");
    expect_line(output, "web.service", "\nTimeoutStopSec=121\n");
    expect_line(output, "web.service", "\nStateDirectory=reloadd/web\n");
    expect_line(output, "web.service", "\nCapabilityBoundingSet=~");
    expect_no_line(output, "web.service", "NoNewPrivileges");
    expect_no_line(output, "web.service", "LimitNOFILE");
    expect_no_line(output, "web.service", "DelegateSubgroup");
    assert_true(exists(output, "multi-user.target.wants/web.service"));
    assert_true(exists(output, "sockets.target.wants/web.socket"));
}

static void generate_for_a_user_leaves_out_what_only_root_has(void **state)
{
    char configs[PATH_MAX];
    char output[PATH_MAX];
    struct generate_request request = begin(state, configs, output);

    request.of_user = true;
    request.systemd_version = 254;
    put(configs, "web.json", "{\"exec\": [\"x\"], \"listen\": [\"80\"]}");
    assert_int_equal(generate(&request), 0);
    expect_no_line(output, "web.service", "CapabilityBoundingSet");
    expect_no_line(output, "web.service", "StateDirectory");
    expect_no_line(output, "web.service", "network-online.target");
    expect_line(output, "web.service", "\nDelegateSubgroup=primary\n");
    assert_true(exists(output, "default.target.wants/web.service"));
}

static void generate_with_many_workers_has_room_for_their_descriptors(void **state)
{
    char configs[PATH_MAX];
    char output[PATH_MAX];
    struct generate_request request = begin(state, configs, output);

    put(configs, "web.json", "{\"exec\": [\"x\"], \"workers\": 500}");
    assert_int_equal(generate(&request), 0);
    expect_line(output, "web.service", "\nLimitNOFILE=65536:524288\n");
    expect_no_line(output, "web.service", "Sockets=");
    assert_false(exists(output, "web.socket"));
}

static void generate_of_broken_files_hinders_no_other(void **state)
{
    char configs[PATH_MAX];
    char output[PATH_MAX];
    char path[2 * PATH_MAX];
    struct generate_request request = begin(state, configs, output);

    put(configs, "a.json", "{\"exec\": [");
    put(configs, "b.json", "");
    put(configs, "b c.json", "{\"exec\": [\"x\"]}");
    put(configs, "template@.json", "{\"exec\": [\"x\"]}");
    put(configs, ".hidden.json", "{\"exec\": [\"x\"]}");
    put(configs, "web.json~", "{\"exec\": [\"x\"]}");
    put(configs, "systemd-journald.json", "{\"exec\": [\"x\"]}");
    (void)snprintf(path, sizeof(path), "%s/pipe.json", configs);
    assert_int_equal(mkfifo(path, 0644), 0);
    (void)snprintf(path, sizeof(path), "%s/dangling.json", configs);
    assert_int_equal(symlink("/nonexistent", path), 0);
    put(configs, "z.json", "{\"exec\": [\"x\"]}");
    assert_int_equal(generate(&request), 1);
    assert_true(exists(output, "a.service"));
    assert_true(exists(output, "b.service"));
    assert_true(exists(output, "dangling.service"));
    assert_true(exists(output, "z.service"));
    assert_false(exists(output, "b c.service"));
    assert_false(exists(output, "template@.service"));
    assert_false(exists(output, ".hidden.service"));
    assert_false(exists(output, "pipe.service"));
    if (access("/usr/lib/systemd/system/systemd-journald.service", F_OK) == 0)
        assert_false(exists(output, "systemd-journald.service"));
}

static void generate_beside_another_generator_overwrites_nothing(void **state)
{
    char configs[PATH_MAX];
    char output[PATH_MAX];
    _cleanup_free_ char *text = NULL;
    struct generate_request request = begin(state, configs, output);

    put(configs, "web.json", "{\"exec\": [\"x\"]}");
    put(output, "web.service", "of another");
    assert_int_equal(generate(&request), 1);
    text = get(output, "web.service");
    assert_string_equal(text, "of another");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(generate_without_a_folder_does_nothing),
        scratch_test(generate_makes_units_that_are_wanted),
        scratch_test(generate_for_a_user_leaves_out_what_only_root_has),
        scratch_test(generate_with_many_workers_has_room_for_their_descriptors),
        scratch_test(generate_of_broken_files_hinders_no_other),
        scratch_test(generate_beside_another_generator_overwrites_nothing),
    };

    return run_os_tests(tests);
}
