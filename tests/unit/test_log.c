/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/util/log.h"
#include "common/util/text.h"
#include "tests/unit/check.h"

static int saved_stderr, log_pipe[2];

static void capture_begin(void)
{
   if (pipe(log_pipe) != 0 || (saved_stderr = dup(STDERR_FILENO)) < 0 || dup2(log_pipe[1], STDERR_FILENO) < 0)
      abort();
}

/* Stores what was written to stderr since capture_begin. */
static size_t capture_end(char *out, size_t size)
{
   dup2(saved_stderr, STDERR_FILENO);
   close(saved_stderr);
   close(log_pipe[1]);

   size_t have = 0;
   ssize_t n;
   while (have < size - 1 && (n = read(log_pipe[0], out + have, size - 1 - have)) > 0)
      have += (size_t)n;
   close(log_pipe[0]);
   out[have] = '\0';
   return have;
}

static void test_levels(void)
{
   enum vp_log_level level = VP_LOG_WARN;

   CHECK(!vp_log_parse_level(NULL, &level));
   CHECK(!vp_log_parse_level("", &level));
   CHECK(!vp_log_parse_level("Error", &level));
   CHECK(!vp_log_parse_level("errors", &level));
   CHECK(level == VP_LOG_WARN);
   for (enum vp_log_level i = VP_LOG_ERROR; i <= VP_LOG_DEBUG; i++) {
      CHECK(vp_log_parse_level(vp_log_level_name(i), &level));
      CHECK(level == i);
   }

   vp_log_init("test", VP_LOG_WARN);
   CHECK(vp_log_enabled(VP_LOG_ERROR));
   CHECK(vp_log_enabled(VP_LOG_WARN));
   CHECK(!vp_log_enabled(VP_LOG_INFO));
}

static void test_lines(void)
{
   char text[8192];

   vp_log_init("test", VP_LOG_INFO);
   capture_begin();
   errno = ENOSPC;
   vp_log(VP_LOG_INFO, "a %d\nb\t%s", 7, "c\x1b[0m");
   const int kept_errno = errno;
   vp_log(VP_LOG_DEBUG, "hidden");
   vp_log(VP_LOG_ERROR, "last");
   capture_end(text, sizeof(text));

   CHECK(kept_errno == ENOSPC);
   CHECK(strcmp(text, "test: info: a 7\\nb\\x09c\\x1b[0m\ntest: error: last\n") == 0);
}

static void test_long_line(void)
{
   char text[8192], message[6000];

   memset(message, 'x', sizeof(message) - 1);
   message[sizeof(message) - 1] = '\0';
   capture_begin();
   vp_log(VP_LOG_INFO, "%s", message);
   const size_t length = capture_end(text, sizeof(text));

   CHECK(length > 4000 && length <= 4096);
   CHECK(strcmp(text + length - 5, "x...\n") == 0);
   CHECK(strlen(text) == length);
}

/* The end is not in the middle of a byte that is shown as its number. */
static void test_long_escapes(void)
{
   char text[8192], message[2000];

   memset(message, '\xe4', sizeof(message) - 1);
   message[sizeof(message) - 1] = '\0';
   capture_begin();
   vp_log(VP_LOG_INFO, "%s", message);
   const size_t length = capture_end(text, sizeof(text));

   CHECK(length > 4000 && length <= 4096);
   CHECK(strcmp(text + length - 8, "\\xe4...\n") == 0);
   CHECK(strlen(text) == length);
}

/* Whether a text is the time as in 2026-11-30T05:02:26.123+00:00, up to `end`. */
static bool is_time(const char *text, char end)
{
   static const char shape[] = "0000-00-00T00:00:00.000+00:00";

   for (size_t i = 0; i < sizeof(shape) - 1; i++) {
      const bool digit = text[i] >= '0' && text[i] <= '9';
      if (shape[i] == '0' ? !digit : shape[i] == '+' ? !strchr("+-", text[i]) : text[i] != shape[i])
         return false;
   }
   return text[sizeof(shape) - 1] == end;
}

static bool starts_with(const char *text, const char *start)
{
   return strncmp(text, start, strlen(start)) == 0;
}

static void test_formats(void)
{
   enum { TIME = 29 };
   char text[8192], message[6000];

   vp_log_init("test", VP_LOG_DEBUG);
   vp_log_set_format(VP_LOG_JOURNAL);
   capture_begin();
   for (enum vp_log_level i = VP_LOG_ERROR; i <= VP_LOG_DEBUG; i++)
      vp_log(i, "a\nb");
   capture_end(text, sizeof(text));
   CHECK(strcmp(text, "<3>test: error: a\\nb\n<4>test: warn: a\\nb\n<6>test: info: a\\nb\n<7>test: debug: a\\nb\n") ==
         0);

   vp_log_set_format(VP_LOG_TEXT);
   capture_begin();
   vp_log(VP_LOG_INFO, "a");
   capture_end(text, sizeof(text));
   CHECK(is_time(text, ' ') && strcmp(text + TIME, " test: info: a\n") == 0);

   vp_log_set_format(VP_LOG_JSON);
   capture_begin();
   vp_log(VP_LOG_WARN, "a \"b\" \\ \x1b");
   vp_log_about(VP_LOG_INFO, "1.2.3.4:5", "key:\"", "c");
   vp_log_set_client("me", "");
   vp_log(VP_LOG_INFO, "d");
   vp_log_set_client(NULL, NULL);
   capture_end(text, sizeof(text));
   CHECK(strncmp(text, "{\"time\":\"", 9) == 0 && is_time(text + 9, '"'));
   const char *first = text + 9 + TIME, *second = strchr(first, '\n') + 10 + TIME,
              *third = strchr(second, '\n') + 10 + TIME;
   CHECK(starts_with(first, "\",\"level\":\"warn\",\"process\":\"test\",\"message\":\"a \\\"b\\\" \\\\ \\\\x1b\"}\n{"));
   CHECK(starts_with(second, "\",\"level\":\"info\",\"process\":\"test\",\"peer\":\"1.2.3.4:5\",\"user\":\"key:\\\"\","
                             "\"message\":\"c\"}\n{"));
   CHECK(strcmp(third, "\",\"level\":\"info\",\"process\":\"test\",\"peer\":\"me\",\"message\":\"d\"}\n") == 0);

   /* However long, it is an object. */
   memset(message, '"', sizeof(message) - 1);
   message[sizeof(message) - 1] = '\0';
   capture_begin();
   vp_log(VP_LOG_INFO, "%s", message);
   const size_t length = capture_end(text, sizeof(text));
   CHECK(length > 4000 && length <= 4096 && strcmp(text + length - 8, "\\\"...\"}\n") == 0);
   vp_log_set_format(VP_LOG_PLAIN);
}

static void test_escape(void)
{
   char out[12];

   CHECK(vp_text_escape(out, sizeof(out), "") == 0 && strcmp(out, "") == 0);
   CHECK(vp_text_escape(out, sizeof(out), "a \\~") == 4 && strcmp(out, "a \\~") == 0);
   CHECK(vp_text_escape(out, sizeof(out), "\n\x7f\x80") == 10 && strcmp(out, "\\n\\x7f\\x80") == 0);
   CHECK(vp_text_escape(out, sizeof(out), "abcdefghi\nkl") == 13 && strcmp(out, "abcdefghi\\n") == 0);
   CHECK(vp_text_escape(out, sizeof(out), "abcdefgh\x01z") == 13 && strcmp(out, "abcdefgh") == 0);
   CHECK(vp_text_escape(out, 1, "abc") == 3 && out[0] == '\0');
}

static void test_copy_keeps_characters_whole(void)
{
   char out[6];

   vp_text_copy(out, sizeof(out), "abc", 3);
   CHECK(strcmp(out, "abc") == 0);
   vp_text_copy(out, sizeof(out), "abcdefgh", 8);
   CHECK(strcmp(out, "abcde") == 0);
   vp_text_copy(out, sizeof(out), "ab\0cd", 5);
   CHECK(strcmp(out, "ab") == 0);
   vp_text_copy(out, sizeof(out), "abc\xe2\x82\xac", 6); /* the euro sign would be cut */
   CHECK(strcmp(out, "abc") == 0);
   vp_text_copy(out, sizeof(out), "ab\xe2\x82\xacxyz", 8);
   CHECK(strcmp(out, "ab\xe2\x82\xac") == 0);
   vp_text_copy(out, 1, "abc", 3);
   CHECK(out[0] == '\0');
}

int main(void)
{
   test_levels();
   test_lines();
   test_long_line();
   test_long_escapes();
   test_formats();
   test_escape();
   test_copy_keeps_characters_whole();
   return check_finish();
}
