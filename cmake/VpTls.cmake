# SPDX-License-Identifier: MIT
# OpenSSL 3, for connections with TLS: in the server and in venus-tls, never in the driver.

if(VP_TLS)
   find_package(OpenSSL 3.0)
   if(NOT OPENSSL_FOUND)
      message(FATAL_ERROR "No OpenSSL 3. Install the package libssl-dev (./dev setup does), or build without TLS: "
                          "-DVP_TLS=OFF.")
   endif()
endif()
