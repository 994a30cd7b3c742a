#include "wire/environment_file.h"

#include "base/error.h"
#include "base/text.h"
#include "wire/environment.h"
#include "wire/strings.h"

#include <stdbool.h>
#include <string.h>

/* A reading of the file, as far as it has come. */
struct reading {
    const char *text;
    size_t size;
    size_t at;
    unsigned line;
    environment_file_complain *complain;
    void *context;
    bool mistaken;
    char **environment;
};

static bool is_newline(char c)
{
    return c == '\n' || c == '\r';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static bool at_end(const struct reading *reading)
{
    return reading->at == reading->size;
}

static bool at_line_end(const struct reading *reading)
{
    return at_end(reading) || is_newline(reading->text[reading->at]);
}

static char next(struct reading *reading)
{
    char c = reading->text[reading->at++];

    if (c == '\n')
        reading->line++;
    return c;
}

static void skip_line(struct reading *reading)
{
    while (!at_line_end(reading))
        (void)next(reading);
}

static int complain(struct reading *reading, unsigned line, const char *found)
{
    reading->mistaken = true;
    return reading->complain(reading->context, line, found);
}

/* A backslash has been read: takes what it stands before, and nothing where that ends the line.
 */
static int read_escaped(struct reading *reading, struct text *value)
{
    char c;

    if (at_end(reading))
        return 0;
    c = next(reading);
    if (c == '\r' && !at_end(reading) && reading->text[reading->at] == '\n')
        c = next(reading);
    return is_newline(c) ? 0 : text_append(value, &c, 1);
}

/* The same, between double quotes, where the backslash itself stays before most characters. */
static int read_escaped_in_quotes(struct reading *reading, struct text *value)
{
    char pair[2] = {'\\', '\0'};

    if (at_end(reading))
        return 0;
    pair[1] = next(reading);
    if (pair[1] == '\n')
        return 0;
    if (pair[1] != '\0' && strchr("\"\\`$", pair[1]) != NULL)
        return text_append(value, &pair[1], 1);
    return text_append(value, pair, 2);
}

/* A quote has been read: takes everything up to its partner. Returns 0, 1 where there is none,
 * or -ENOMEM. */
static int read_quoted(struct reading *reading, char quote, struct text *value)
{
    while (!at_end(reading)) {
        char c = next(reading);
        int r;

        if (c == quote)
            return 0;
        if (c == '\\' && quote == '"')
            r = read_escaped_in_quotes(reading, value);
        else
            r = text_append(value, &c, 1);
        if (r < 0)
            return r;
    }
    return 1;
}

/* Takes the rest of the line as it is, but for escapes and for space at its end. */
static int read_plain(struct reading *reading, struct text *value)
{
    size_t keep = value->size;

    while (!at_line_end(reading)) {
        char c = next(reading);
        int r = c == '\\' ? read_escaped(reading, value) : text_append(value, &c, 1);

        if (r < 0)
            return r;
        if (!is_space(c))
            keep = value->size;
    }
    text_truncate(value, keep);
    return 0;
}

/* Takes what stands behind "=": pieces in quotes, then the rest. Returns 0, 1 where a quote is
 * not closed, or -ENOMEM. */
static int read_value(struct reading *reading, struct text *value)
{
    while (!at_line_end(reading)) {
        char c = reading->text[reading->at];
        int r;

        if (is_space(c)) {
            (void)next(reading);
            continue;
        }
        if (c != '"' && c != '\'')
            return read_plain(reading, value);
        (void)next(reading);
        r = read_quoted(reading, c, value);
        if (r != 0)
            return r;
    }
    return 0;
}

/* What is wrong with a name, or NULL. */
static const char *name_mistake(const char *name, size_t n)
{
    if (!environment_name_is_valid(name, n))
        return "a name of other characters than letters, digits and \"_\"";
    if (environment_is_reserved(name))
        return "a variable that reloadd sets itself, or keeps back";
    return NULL;
}

static int read_assignment(struct reading *reading, const char *name, size_t n)
{
    _cleanup_text_ struct text entry = {0};
    unsigned line = reading->line;
    const char *mistake;
    int r = text_append(&entry, name, n);

    if (r < 0)
        return r;
    mistake = name_mistake(text_string(&entry), n);
    r = text_append(&entry, "=", 1);
    if (r == 0)
        r = read_value(reading, &entry);
    if (r < 0)
        return r;
    if (r > 0)
        return complain(reading, line, "a quote that is not closed");
    if (mistake != NULL)
        return complain(reading, line, mistake);
    if (strlen(text_string(&entry)) != entry.size)
        return complain(reading, line, "a NUL byte");
    return environment_put(&reading->environment, text_string(&entry));
}

static int read_line(struct reading *reading)
{
    const char *name = reading->text + reading->at;
    size_t n;

    if (*name == '#' || *name == ';') {
        skip_line(reading);
        return 0;
    }
    while (!at_line_end(reading) && reading->text[reading->at] != '=')
        (void)next(reading);
    if (at_line_end(reading))
        return complain(reading, reading->line, "a line without \"=\"");
    n = (size_t)(reading->text + reading->at - name);
    while (n > 0 && is_space(name[n - 1]))
        n--;
    (void)next(reading);
    return read_assignment(reading, name, n);
}

int environment_file_decode(const char *text, size_t size,
                            environment_file_complain *complain_to, void *context,
                            char ***ret_environment)
{
    struct reading reading = {
        .text = text, .size = size, .line = 1, .complain = complain_to, .context = context};
    int r = 0;

    while (r == 0 && !at_end(&reading)) {
        if (is_space(text[reading.at]) || is_newline(text[reading.at]))
            (void)next(&reading);
        else
            r = read_line(&reading);
    }
    if (r == 0 && reading.mistaken)
        r = 1;
    if (r == 0)
        *ret_environment = reading.environment;
    else
        strings_free(reading.environment);
    return r;
}
