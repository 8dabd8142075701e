/* SPDX-License-Identifier: MIT */

/* Which GPUs a server in a job of Slurm offers: just those of the job, or all where that cannot be told. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/process/job_gpus.h"
#include "tests/unit/check.h"

static const struct {
   const char *address, *text;
} gpus[] = {
   {"0000:01:00.0", "Model: \t\t A GPU\nBus Location: \t 0000:01:00.0\nDevice Minor: \t 2\n"},
   {"0000:41:00.0", "Model: \t\t A GPU\nDevice Minor: \t 0\nGPU Excluded: \t No\n"},
   {"0000:c1:00.0", "Model: \t\t A GPU\nDevice Minor: \t 11\n"},
   {"0000:e1:00.0", "Model: \t\t A GPU that does not say\nDevice Minor: \t N/A\n"},
};

#define GPUS (sizeof(gpus) / sizeof(*gpus))

static char root[] = "/tmp/venus-job-gpus.XXXXXX";

static void make_folder(void)
{
   char path[128];

   CHECK(mkdtemp(root));
   for (size_t i = 0; i < GPUS; i++) {
      snprintf(path, sizeof(path), "%s/%s", root, gpus[i].address);
      CHECK(mkdir(path, 0700) == 0);
      snprintf(path, sizeof(path), "%s/%s/information", root, gpus[i].address);
      FILE *file = fopen(path, "w");
      if (CHECK(file)) {
         fputs(gpus[i].text, file);
         CHECK(fclose(file) == 0);
      }
   }
}

static void remove_folder(void)
{
   char path[128];

   for (size_t i = 0; i < GPUS; i++) {
      snprintf(path, sizeof(path), "%s/%s/information", root, gpus[i].address);
      CHECK(unlink(path) == 0);
      snprintf(path, sizeof(path), "%s/%s", root, gpus[i].address);
      CHECK(rmdir(path) == 0);
   }
   CHECK(rmdir(root) == 0);
}

/* What --gpu says then, with commas between. */
static const char *chosen(const char *step, const char *job, const char *folder)
{
   static char all[256];
   struct vps_options options;
   char error[256];

   unsetenv("SLURM_STEP_GPUS");
   unsetenv("SLURM_JOB_GPUS");
   if (step)
      setenv("SLURM_STEP_GPUS", step, 1);
   if (job)
      setenv("SLURM_JOB_GPUS", job, 1);
   all[0] = '\0';
   CHECK(vps_options_begin(&options, error, sizeof(error)));
   CHECK(vps_job_gpus_choose(&options, folder));
   for (unsigned i = 0; i < options.gpu_count; i++)
      snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? "," : "", options.gpus[i]);
   vps_options_finish(&options);
   return all;
}

int main(void)
{
   make_folder();
   CHECK(strcmp(chosen(NULL, NULL, root), "") == 0);
   CHECK(strcmp(chosen("", "", root), "") == 0);
   CHECK(strcmp(chosen("0", NULL, root), "pci:0000:41:00.0") == 0);
   CHECK(strcmp(chosen(NULL, "2", root), "pci:0000:01:00.0") == 0);
   CHECK(strcmp(chosen("11", "0,2", root), "pci:0000:c1:00.0") == 0); /* a step may have fewer than its job */
   CHECK(strcmp(chosen("0,2", NULL, root), "pci:0000:41:00.0,pci:0000:01:00.0") == 0);
   CHECK(strcmp(chosen("2,11", NULL, root), "pci:0000:01:00.0,pci:0000:c1:00.0") == 0);
   /* One that is not there, or a list that says something else: the driver's word counts. */
   CHECK(strcmp(chosen("0,1", NULL, root), "") == 0 && strcmp(chosen("0-2", NULL, root), "") == 0);
   CHECK(strcmp(chosen("GPU-1234", NULL, root), "") == 0 && strcmp(chosen("0,", NULL, root), "pci:0000:41:00.0") == 0);
   CHECK(strcmp(chosen("-1", NULL, root), "") == 0 && strcmp(chosen("2-0", NULL, root), "") == 0);
   CHECK(strcmp(chosen("0-99999999999999999999", NULL, root), "") == 0 && strcmp(chosen("0-255", NULL, root), "") == 0);
   CHECK(strcmp(chosen("0", NULL, "/nonexistent"), "") == 0);
   remove_folder();
   return check_finish();
}
