/* SPDX-License-Identifier: MIT */
/* Files of shared keys: what is in them, and who may read them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/net/key_file.h"
#include "tests/unit/check.h"

#define KEY "000102030405060708090a0b0c0d0e0F"

static bool parse(struct vp_key_file *file, const char *text, char *error)
{
   return vp_key_file_parse(file, (const uint8_t *)text, strlen(text), error, 128);
}

static void test_keys(void)
{
   struct vp_key_file file;
   char error[128] = "";

   if (!CHECK(parse(&file, "#c\n\nalice:" KEY "\nb@x:" KEY KEY, error)))
      return;
   const struct vp_key *alice = vp_key_file_find(&file, "alice"), *other = vp_key_file_find(&file, "b@x");
   CHECK(file.count == 2 && alice && other && alice != other);
   CHECK(alice->size == 16 && alice->bytes[0] == 0 && alice->bytes[15] == 15 && other->size == 32);
   CHECK(!vp_key_file_find(&file, "alic") && !vp_key_file_find(&file, "alice2") && !vp_key_file_find(&file, ""));
   vp_key_file_finish(&file);
   CHECK(!file.keys && !vp_key_file_find(&file, "alice"));
}

static void test_faults(void)
{
   static const struct {
      const char *text, *error;
   } bad[] = {
      {"", "no key"},
      {"alice", "line 1: it is not identity:hexkey"},
      {"alice:" KEY "\nbob:", "line 2: the key is shorter"},
      {"alice:" KEY "\nalice:" KEY, "line 2: its identity has a key already"},
      {"alice:" KEY "0", "whole bytes"},
      {"alice:" KEY "0x", "not hexadecimal"},
      {"alice: " KEY " ", "not hexadecimal"},
      {"a,b:" KEY, "identity"},
      {" a:" KEY, "identity"},
   };
   struct vp_key_file file;
   char error[128];

   for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
      CHECK(!parse(&file, bad[i].text, error) && !file.keys);
      if (!CHECK(strstr(error, bad[i].error)))
         fprintf(stderr, "  %s\n", error);
   }
}

static bool write_file(const char *path, const char *text, mode_t mode)
{
   FILE *file = fopen(path, "w");
   const bool ok = file && fputs(text, file) >= 0;

   return file && fclose(file) == 0 && ok && chmod(path, mode) == 0;
}

static void test_files(void)
{
   struct vp_key_file file;
   char path[] = "/tmp/venus-keys.XXXXXX", error[512];
   const int fd = mkstemp(path);

   if (!CHECK(fd >= 0))
      return;
   close(fd);
   CHECK(write_file(path, "alice:" KEY "\n", 0600) && vp_key_file_load(&file, path, error, sizeof(error)));
   vp_key_file_finish(&file);
   CHECK(write_file(path, "alice:" KEY "\n", 0640) && !vp_key_file_load(&file, path, error, sizeof(error)));
   CHECK(strstr(error, path) && strstr(error, "0640"));
   CHECK(write_file(path, "alice:\n", 0400) && !vp_key_file_load(&file, path, error, sizeof(error)));
   CHECK(strstr(error, path) && strstr(error, "line 1"));
   unlink(path);
   CHECK(!vp_key_file_load(&file, path, error, sizeof(error)) && strstr(error, "No such file"));
   CHECK(!vp_key_file_load(&file, "/dev/null", error, sizeof(error)) && strstr(error, "no regular file"));
}

int main(void)
{
   test_keys();
   test_faults();
   test_files();
   return check_finish();
}
