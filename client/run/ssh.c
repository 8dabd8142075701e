/* SPDX-License-Identifier: MIT */

/* Writes the command with which the driver starts a server through ssh: each word stands in the quotes of the shell
 * that the driver gives it to. */

#include "client/run/ssh.h"

#include <stdio.h>
#include <stdlib.h>

/* No shell stays between the program and ssh. Without a terminal and what may be forwarded else: the connection is for
 * the server alone. */
#define SSH_COMMAND "exec:exec ssh -T -a -x"

static void ssh_put_quoted(FILE *out, const char *word)
{
   fputs(" '", out);
   for (; *word; word++) {
      if (*word == '\'')
         fputs("'\\''", out);
      else
         fputc(*word, out);
   }
   fputc('\'', out);
}

char *vp_ssh_address(char *const *words, unsigned count, const char *server)
{
   char *address = NULL;
   size_t size;
   FILE *out = open_memstream(&address, &size);

   if (!out)
      return NULL;
   fputs(SSH_COMMAND, out);
   for (unsigned i = 0; i < count; i++)
      ssh_put_quoted(out, words[i]);
   ssh_put_quoted(out, server);
   const int failed = ferror(out);
   if (fclose(out) != 0 || failed) {
      free(address);
      return NULL;
   }
   return address;
}
