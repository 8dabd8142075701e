/* SPDX-License-Identifier: MIT */

/* Checks, which count themselves and say what was wrong, and notes. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "test-app/app.h"

/* A phase with a systematic error would otherwise print without end. */
#define APP_SHOWN_FAILURES 20

const char *app_result_name(VkResult result)
{
   switch (result) {
#define NAME(value) \
   case value:      \
      return #value
      NAME(VK_SUCCESS);
      NAME(VK_NOT_READY);
      NAME(VK_TIMEOUT);
      NAME(VK_EVENT_SET);
      NAME(VK_EVENT_RESET);
      NAME(VK_INCOMPLETE);
      NAME(VK_ERROR_OUT_OF_HOST_MEMORY);
      NAME(VK_ERROR_OUT_OF_DEVICE_MEMORY);
      NAME(VK_ERROR_INITIALIZATION_FAILED);
      NAME(VK_ERROR_DEVICE_LOST);
      NAME(VK_ERROR_MEMORY_MAP_FAILED);
      NAME(VK_ERROR_LAYER_NOT_PRESENT);
      NAME(VK_ERROR_EXTENSION_NOT_PRESENT);
      NAME(VK_ERROR_FEATURE_NOT_PRESENT);
      NAME(VK_ERROR_INCOMPATIBLE_DRIVER);
      NAME(VK_ERROR_TOO_MANY_OBJECTS);
      NAME(VK_ERROR_FORMAT_NOT_SUPPORTED);
      NAME(VK_ERROR_FRAGMENTED_POOL);
      NAME(VK_ERROR_UNKNOWN);
      NAME(VK_ERROR_OUT_OF_POOL_MEMORY);
#undef NAME
   default:
      return "another VkResult";
   }
}

static bool app_count(struct app_test *t, bool good, bool *show)
{
   if (good) {
      atomic_fetch_add(&t->passed, 1);
      *show = false;
      return true;
   }
   unsigned before = atomic_fetch_add(&t->failed, 1);
   *show = before < APP_SHOWN_FAILURES;
   if (before == APP_SHOWN_FAILURES)
      fprintf(stderr, "%s: more checks failed; they are only counted\n", t->name);
   return false;
}

bool app_check(struct app_test *t, bool condition, const char *file, int line, const char *text)
{
   bool show;
   if (!app_count(t, condition, &show) && show)
      fprintf(stderr, "%s:%d: %s: failed: %s\n", file, line, t->name, text);
   return condition;
}

bool app_check_equal(struct app_test *t, uint64_t expected, uint64_t actual, const char *file, int line,
                     const char *text)
{
   bool show;
   if (!app_count(t, expected == actual, &show) && show)
      fprintf(stderr, "%s:%d: %s: %s is %llu (0x%llx), expected %llu (0x%llx)\n", file, line, t->name, text,
              (unsigned long long)actual, (unsigned long long)actual, (unsigned long long)expected,
              (unsigned long long)expected);
   return expected == actual;
}

bool app_check_result(struct app_test *t, VkResult expected, VkResult result, const char *file, int line,
                      const char *text)
{
   bool show;
   if (!app_count(t, expected == result, &show) && show)
      fprintf(stderr, "%s:%d: %s: %s gave %s (%d), expected %s\n", file, line, t->name, text, app_result_name(result),
              (int)result, app_result_name(expected));
   return expected == result;
}

bool app_check_bytes(struct app_test *t, const void *expected, const void *actual, size_t size, const char *file,
                     int line, const char *text)
{
   bool show;
   if (app_count(t, memcmp(expected, actual, size) == 0, &show))
      return true;
   if (!show)
      return false;
   const uint8_t *e = expected;
   const uint8_t *a = actual;
   size_t first = size;
   size_t different = 0;
   for (size_t i = 0; i < size; i++) {
      if (e[i] == a[i])
         continue;
      if (different++ == 0)
         first = i;
   }
   if (first < size)
      fprintf(stderr, "%s:%d: %s: %s: %zu of %zu bytes differ, first at %zu: 0x%02x, expected 0x%02x\n", file, line,
              t->name, text, different, size, first, a[first], e[first]);
   else
      fprintf(stderr, "%s:%d: %s: %s: differed when first compared, equal now\n", file, line, t->name, text);
   return false;
}

void app_note(struct app_test *t, const char *format, ...)
{
   char text[256];
   va_list arguments;
   va_start(arguments, format);
   vsnprintf(text, sizeof(text), format, arguments);
   va_end(arguments);
   printf("  %s: note: %s\n", t->name, text);
}
