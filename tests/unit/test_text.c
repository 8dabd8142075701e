/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/util/text.h"
#include "tests/unit/check.h"

static void test_parse_decimal(void)
{
   static const struct {
      const char *text;
      double value;
   } good[] = {{"0", 0},        {"5", 5},  {"2.5", 2.5},        {".25", 0.25},
               {"0.001", 1e-3}, {"7.", 7}, {"3600.50", 3600.5}, {"00012", 12}};
   static const char *const bad[] = {"",    ".",    "2,5",   "-1",  "+1",  " 1", "1 ",
                                     "1e3", "0x10", "1.2.3", "inf", "nan", "5s"};
   double value;
   for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
      if (!CHECK(vp_text_parse_decimal(good[i].text, &value) && value == good[i].value))
         fprintf(stderr, "  for \"%s\"\n", good[i].text);
   }
   for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
      if (!CHECK(!vp_text_parse_decimal(bad[i], &value)))
         fprintf(stderr, "  for \"%s\"\n", bad[i]);
   }
}

static void test_format_decimal(void)
{
   static const struct {
      double value;
      unsigned decimals;
      const char *text;
   } cases[] = {{0, 0, "0"},       {0, 2, "0.00"},     {1.25, 1, "1.3"},
                {1.5, 0, "2"},     {0.999, 2, "1.00"}, {12.345, 2, "12.35"},
                {0.05, 2, "0.05"}, {41.7, 1, "41.7"},  {1e9, 9, "1000000000.000000000"}};
   for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
      char text[VP_TEXT_DECIMAL_SIZE];
      if (!CHECK(strcmp(vp_text_format_decimal(text, cases[i].value, cases[i].decimals), cases[i].text) == 0))
         fprintf(stderr, "  %s instead of %s\n", text, cases[i].text);
   }
}

int main(void)
{
   test_parse_decimal();
   test_format_decimal();
   return check_finish();
}
