/* SPDX-License-Identifier: MIT */

/* Finds the PCI addresses of the GPUs that Slurm has given to this job, by the numbers of their device files. */

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/descriptor.h"
#include "common/util/log.h"
#include "server/process/job_gpus.h"
#include "server/process/option_table.h"

#define MINOR_LINE "Device Minor:"

/* More than a machine has. */
#define MOST_GPUS 256

/* The number of the device file of the GPU in this folder; -1: it is not said. */
static long read_minor(const char *folder, const char *name)
{
   char path[PATH_MAX], line[256];
   long number = -1;

   const int length = snprintf(path, sizeof(path), "%s/%s/information", folder, name);
   FILE *file = length > 0 && (size_t)length < sizeof(path) ? vp_descriptor_read_file(path) : NULL;
   while (file && number < 0 && fgets(line, sizeof(line), file)) {
      const char *text = line + strlen(MINOR_LINE);
      if (strncmp(line, MINOR_LINE, strlen(MINOR_LINE)) == 0 && text[strspn(text, " \t")] >= '0' &&
          text[strspn(text, " \t")] <= '9')
         number = strtol(text, NULL, 10);
   }
   if (file)
      fclose(file);
   return number;
}

/* Another --gpu. False: the log says why. */
static bool add_gpu(struct vps_options *options, const char *address)
{
   char wanted[64], error[256] = "out of memory";

   snprintf(wanted, sizeof(wanted), "pci:%.50s", address);
   const struct vps_given given = {.layer = VPS_LAYER_COMMAND_LINE, .text = vps_options_keep(options, wanted)};
   if (given.text && vps_options_give(options, vps_option_find("--gpu", strlen("--gpu")), &given, error, sizeof(error)))
      return true;
   vp_log(VP_LOG_ERROR, "--job: %s", error);
   return false;
}

/* The PCI address of the GPU with that device file. False: there is none. */
static bool find_address_of(const char *folder, long wanted, char address[NAME_MAX + 1])
{
   DIR *entries = vp_descriptor_read_folder(folder);
   bool found = false;

   for (struct dirent *entry; entries && !found && (entry = readdir(entries));) {
      found = entry->d_name[0] != '.' && read_minor(folder, entry->d_name) == wanted;
      if (found)
         snprintf(address, NAME_MAX + 1, "%s", entry->d_name);
   }
   if (entries)
      closedir(entries);
   return found;
}

/* A list like 0,2-3. The number of GPUs; 0: it is none such, or too long. */
static unsigned parse_numbers(const char *list, long numbers[MOST_GPUS])
{
   unsigned count = 0;

   while (*list) {
      char *end;
      if (!isdigit((unsigned char)*list))
         return 0;
      const long first = strtol(list, &end, 10);
      const bool is_range = *end == '-' && isdigit((unsigned char)end[1]);
      const long last = is_range ? strtol(end + 1, &end, 10) : first;
      if (last < first || last >= MOST_GPUS || (unsigned long)(last - first) >= MOST_GPUS - count)
         return 0;
      for (long number = first; number <= last; number++)
         numbers[count++] = number;
      if (*end && *end != ',')
         return 0;
      list = *end ? end + 1 : end;
   }
   return count;
}

bool vps_job_gpus_choose(struct vps_options *options, const char *folder)
{
   const char *list = getenv("SLURM_STEP_GPUS");
   char addresses[MOST_GPUS][NAME_MAX + 1];
   long numbers[MOST_GPUS];

   if (!list || !*list)
      list = getenv("SLURM_JOB_GPUS");
   if (!list || !*list)
      return true;
   const unsigned count = parse_numbers(list, numbers);
   unsigned found = 0;
   while (found < count && find_address_of(folder, numbers[found], addresses[found]))
      found++;
   if (count == 0 || found < count) {
      vp_log(VP_LOG_INFO,
             "Slurm has given the job the GPUs %.100s, and which these are cannot be told: all that the Vulkan driver "
             "shows are offered",
             list);
      return true;
   }
   for (unsigned i = 0; i < count; i++) {
      if (!add_gpu(options, addresses[i]))
         return false;
   }
   vp_log(VP_LOG_INFO, "Slurm has given the job %u of the GPUs of this machine", count);
   return true;
}
