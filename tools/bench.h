/* SPDX-License-Identifier: MIT */
#ifndef VP_TOOLS_BENCH_H
#define VP_TOOLS_BENCH_H

#include <stdint.h>
#include <time.h>

#include <vulkan/vulkan.h>

/* What the parts of venus-bench share. All of them write their results to standard output as JSON, and end the program
 * when anything fails. */

_Noreturn void bench_die(const char *what, long result);
void bench_check(VkResult result, const char *what);

#define VK(call) bench_check((call), #call)

/* Nanoseconds. */
double bench_now(clockid_t clock);

/* Sorts the values. */
double bench_median(double *values, unsigned count);

/* Bytes that the TCP connections of this process have carried so far, as the kernel counts them. */
struct bench_traffic {
   uint64_t sent, received;
};

struct bench_traffic bench_traffic(void);

/* The first GPU, and a device with one queue of family 0. */
struct bench_device {
   VkInstance instance;
   VkPhysicalDevice gpu;
   VkPhysicalDeviceProperties properties;
   VkDevice device;
   VkQueue queue;
};

void bench_device_init(struct bench_device *device);
void bench_device_finish(struct bench_device *device);

/* The benchmarks. */
void bench_record(void);
void bench_threads(void);
void bench_latency(void);
void bench_memory(const char *row, unsigned repetitions);
void bench_memory_list(void);

#endif
