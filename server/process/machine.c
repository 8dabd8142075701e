/* SPDX-License-Identifier: MIT */

/* Makes the machine's identity for clients of the id that the system has given it. */

#include "server/process/machine.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/util/sha256.h"

/* The id itself is to stay on the machine: machine-id(5). */
#define PURPOSE "venus-plus device identity\n"

static uint8_t machine[VP_MACHINE_SIZE];

static bool read_id(const char *path, char *id, size_t size)
{
   FILE *file = fopen(path, "re");
   if (!file)
      return false;
   const bool read = fgets(id, (int)size, file) != NULL;
   fclose(file);
   if (read)
      id[strcspn(id, "\n")] = '\0';
   /* "uninitialized" is what stands there before a system's first start. */
   return read && strlen(id) == 32 && strspn(id, "0123456789abcdef") == 32;
}

void vps_machine_load(void)
{
   static const char *const paths[] = {"/etc/machine-id", "/var/lib/dbus/machine-id"};
   char id[256] = "", text[sizeof(PURPOSE) + sizeof(id)];
   uint8_t hash[VP_SHA256_SIZE];
   bool found = false;

   for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]) && !found; i++)
      found = read_id(paths[i], id, sizeof(id));
   if (!found && (gethostname(id, sizeof(id) - 1) != 0 || !id[0]))
      return;
   const int length = snprintf(text, sizeof(text), PURPOSE "%s", id);
   vp_sha256(text, (size_t)length, hash);
   memcpy(machine, hash, sizeof(machine));
}

void vps_machine_identify(uint8_t out[VP_MACHINE_SIZE])
{
   memcpy(out, machine, sizeof(machine));
}
