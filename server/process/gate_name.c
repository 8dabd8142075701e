/* SPDX-License-Identifier: MIT */

/* The names of clients in certificates and claims, of which none may upset a log. */

#include "server/process/gate_name.h"

#include <openssl/x509v3.h>
#include <string.h>

/* What has no place in a line, or could be taken for the end of the name. */
static bool is_plain(unsigned char c)
{
   return c >= ' ' && c != 0x7f;
}

static bool take_name(const ASN1_STRING *text, char user[VP_KEY_IDENTITY_SIZE])
{
   unsigned char *utf8 = NULL;
   const int length = text ? ASN1_STRING_to_UTF8(&utf8, text) : -1;
   bool ok = length > 0 && length < VP_KEY_IDENTITY_SIZE;

   for (int i = 0; ok && i < length; i++)
      ok = is_plain(utf8[i]);
   if (ok) {
      memcpy(user, utf8, (size_t)length);
      user[length] = '\0';
   }
   OPENSSL_free(utf8);
   return ok;
}

static bool take_alternative(X509 *certificate, char user[VP_KEY_IDENTITY_SIZE])
{
   GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
   bool ok = false, found = false;

   for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
      int kind;
      const ASN1_STRING *text = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &kind);
      found = kind == GEN_DNS || kind == GEN_EMAIL || kind == GEN_URI;
      ok = found && take_name(text, user);
   }
   GENERAL_NAMES_free(names);
   return ok;
}

bool vps_gate_name_of(X509 *certificate, char user[VP_KEY_IDENTITY_SIZE])
{
   const X509_NAME *subject = X509_get_subject_name(certificate);
   const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

   if (index < 0)
      return take_alternative(certificate, user);
   return take_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)), user);
}

void vps_gate_print_claim(const unsigned char *identity, size_t length, char user[VP_KEY_IDENTITY_SIZE])
{
   const size_t size = length < VP_KEY_IDENTITY_SIZE ? length : VP_KEY_IDENTITY_SIZE - 1;

   for (size_t i = 0; i < size; i++)
      user[i] = (char)(is_plain(identity[i]) && identity[i] < 0x7f ? identity[i] : '?');
   user[size] = '\0';
}
