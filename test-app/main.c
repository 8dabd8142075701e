/* SPDX-License-Identifier: MIT */
/* venus-test-app: phases of ordinary Vulkan, each checking its own results. Runs on any Vulkan 1.1 driver. */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "test-app/app.h"

const struct app_phase app_phases[APP_PHASES] = {
   {"network", "Network and protocol", phase_network},
   {"instance", "Instance and physical devices", phase_instance},
   {"device", "Device and queues", phase_device},
   {"resources", "Resources", phase_resources},
   {"recording", "Command recording", phase_recording},
   {"submission", "Submission and synchronisation", phase_submission},
   {"execution", "Real execution", phase_execution},
   {"memory", "Mapped memory", phase_memory},
   {"compute", "Compute", phase_compute},
   {"graphics", "Graphics", phase_graphics},
   {"modern", "What only new GPUs have", phase_modern},
};

struct outcome {
   bool ran;
   bool skipped;
   unsigned passed;
   unsigned failed;
   double seconds;
};

static void usage(FILE *to)
{
   fputs("usage: venus-test-app [OPTION]...\n"
         "Exercises a Vulkan driver in eleven phases and checks every result.\n"
         "\n"
         "  --all            run all phases (what happens without --phase, too)\n"
         "  --phase N        run phase N, a number or a name; may be given several times\n"
         "  --list           list the phases and the GPUs, and stop\n"
         "  --gpu WHICH      use this GPU: its index, or part of its name\n"
         "  --out DIR        write pictures to DIR (default: the current directory)\n"
         "  --frames N       frames of each animation of phase 10 (default 6)\n"
         "  --size WxH       size of the pictures of phase 10 (default 640x480)\n"
         "  --help           show this text\n"
         "\n"
         "Phase 11 says what the GPU does not have and skips that.\n"
         "The exit status is 0 when no phase failed, 1 when one failed, 2 when the options make no sense.\n",
         to);
}

static bool parse_number(const char *text, uint32_t lowest, uint32_t highest, uint32_t *number)
{
   char *end;
   unsigned long value = strtoul(text, &end, 10);
   if (end == text || *end != '\0' || *text == '-' || value < lowest || value > highest)
      return false;
   *number = (uint32_t)value;
   return true;
}

static bool parse_size(const char *text, uint32_t *width, uint32_t *height)
{
   char first[12];
   const char *x = strchr(text, 'x');
   if (!x || (size_t)(x - text) >= sizeof(first))
      return false;
   memcpy(first, text, (size_t)(x - text));
   first[x - text] = '\0';
   return parse_number(first, 64, 4096, width) && parse_number(x + 1, 64, 4096, height);
}

static bool parse_phase(const char *text, uint32_t *index)
{
   uint32_t number;
   if (parse_number(text, 1, APP_PHASES, &number)) {
      *index = number - 1;
      return true;
   }
   for (uint32_t i = 0; i < APP_PHASES; i++) {
      if (strcmp(text, app_phases[i].name) == 0) {
         *index = i;
         return true;
      }
   }
   return false;
}

static void list(void)
{
   struct app_test t = {.name = "list"};
   VkInstance instance;
   uint32_t api;

   printf("phases:\n");
   for (uint32_t i = 0; i < APP_PHASES; i++)
      printf("  %2u %-11s %s\n", (unsigned)i + 1, app_phases[i].name, app_phases[i].title);
   printf("GPUs:\n");
   if (!app_instance_create(&t, &instance, &api))
      return;
   VkPhysicalDevice devices[APP_MAX_GPUS];
   uint32_t count = APP_MAX_GPUS;
   if (vkEnumeratePhysicalDevices(instance, &count, devices) < 0)
      count = 0;
   for (uint32_t i = 0; i < count; i++) {
      VkPhysicalDeviceProperties properties;
      vkGetPhysicalDeviceProperties(devices[i], &properties);
      printf("  %2u %s (Vulkan %u.%u.%u)\n", (unsigned)i, properties.deviceName,
             VK_API_VERSION_MAJOR(properties.apiVersion), VK_API_VERSION_MINOR(properties.apiVersion),
             VK_API_VERSION_PATCH(properties.apiVersion));
   }
   vkDestroyInstance(instance, NULL);
}

static struct outcome run(const struct app_options *options, const struct app_phase *phase)
{
   struct app_test t = {.options = options, .name = phase->name};
   double start = app_now();
   phase->run(&t);
   return (struct outcome){
      .ran = true,
      .skipped = t.skipped,
      .passed = atomic_load(&t.passed),
      .failed = atomic_load(&t.failed),
      .seconds = app_now() - start,
   };
}

/* Phase 1 loads and unloads the driver many times. From phase 2 on one instance stays, so that it is loaded but once:
 * some drivers' libraries can be loaded only so many times in one process before the space for their thread-local data
 * is used up. */
static void run_chosen(const struct app_options *options, const bool chosen[APP_PHASES], struct outcome *outcomes)
{
   VkInstance stays = VK_NULL_HANDLE;
   VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
   for (uint32_t i = 0; i < APP_PHASES; i++) {
      if (!chosen[i])
         continue;
      printf("phase %u: %s\n", (unsigned)i + 1, app_phases[i].title);
      fflush(stdout);
      /* Where this fails, the phase fails in the same way and says so. */
      if (i > 0 && !stays && vkCreateInstance(&info, NULL, &stays) != VK_SUCCESS)
         stays = VK_NULL_HANDLE;
      outcomes[i] = run(options, &app_phases[i]);
   }
   if (stays)
      vkDestroyInstance(stays, NULL);
}

/* Prints the table; gives the number of phases that failed. */
static unsigned report(const struct outcome *outcomes)
{
   unsigned passed = 0;
   unsigned failed = 0;
   unsigned skipped = 0;
   printf("\n%5s  %-30s %-6s %15s %10s\n", "phase", "name", "result", "checks passed", "time");
   for (uint32_t i = 0; i < APP_PHASES; i++) {
      const struct outcome *o = &outcomes[i];
      char checks[32];
      if (!o->ran)
         continue;
      bool skip = o->failed == 0 && o->skipped;
      bool good = o->failed == 0 && o->passed > 0 && !skip;
      snprintf(checks, sizeof(checks), "%u/%u", o->passed, o->passed + o->failed);
      printf("%5u  %-30s %-6s %15s %8.3f s\n", (unsigned)i + 1, app_phases[i].title,
             skip   ? "skip"
             : good ? "pass"
                    : "FAIL",
             checks, o->seconds);
      passed += good;
      failed += !good && !skip;
      skipped += skip;
   }
   printf("%u passed, %u failed", passed, failed);
   if (skipped > 0)
      printf(", %u skipped", skipped);
   printf("\n");
   return failed;
}

int main(int argc, char **argv)
{
   static const struct option long_options[] = {
      {"phase", required_argument, NULL, 'p'},
      {"all", no_argument, NULL, 'a'},
      {"list", no_argument, NULL, 'l'},
      {"gpu", required_argument, NULL, 'g'},
      {"out", required_argument, NULL, 'o'},
      {"frames", required_argument, NULL, 'f'},
      {"size", required_argument, NULL, 's'},
      {"help", no_argument, NULL, 'h'},
      {NULL, 0, NULL, 0},
   };
   struct app_options options = {.out = ".", .frames = 6, .width = 640, .height = 480};
   bool chosen[APP_PHASES] = {false};
   bool all = true;
   bool just_list = false;
   bool good = true;
   int option;

   while (good && (option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
      uint32_t index = 0;
      switch (option) {
      case 'p':
         good = parse_phase(optarg, &index);
         chosen[index] |= good;
         all = false;
         break;
      case 'a':
         memset(chosen, true, sizeof(chosen));
         break;
      case 'l':
         just_list = true;
         break;
      case 'g':
         options.gpu = optarg;
         break;
      case 'o':
         options.out = optarg;
         break;
      case 'f':
         good = parse_number(optarg, 2, 100000, &options.frames);
         break;
      case 's':
         good = parse_size(optarg, &options.width, &options.height);
         break;
      case 'h':
         usage(stdout);
         return 0;
      default:
         usage(stderr);
         return 2;
      }
      if (!good)
         fprintf(stderr, "venus-test-app: '%s' does not fit its option; see --help\n", optarg);
   }
   if (!good)
      return 2;
   if (optind < argc) {
      fprintf(stderr, "venus-test-app: '%s' is not an option; see --help\n", argv[optind]);
      return 2;
   }
   if (just_list) {
      list();
      return 0;
   }
   struct stat about;
   if (stat(options.out, &about) != 0 || !S_ISDIR(about.st_mode)) {
      fprintf(stderr, "venus-test-app: --out %s is not a directory; create it first\n", options.out);
      return 2;
   }

   struct outcome outcomes[APP_PHASES] = {{false, false, 0, 0, 0.0}};
   if (all)
      memset(chosen, true, sizeof(chosen));
   run_chosen(&options, chosen, outcomes);
   return report(outcomes) == 0 ? 0 : 1;
}
