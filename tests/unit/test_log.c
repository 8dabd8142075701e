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
   CHECK(strcmp(text, "test: info: a 7 b c [0m\ntest: error: last\n") == 0);
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
   test_copy_keeps_characters_whole();
   return check_finish();
}
