// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/listening.hpp"

#include <cstdio>

namespace tune {

TlsSettings tls_settings(const Invocation& call) {
  TlsSettings tls;
  tls.own = call.has("tls");
  tls.certificate = call.get("tls-cert").value_or("");
  tls.key = call.get("tls-key").value_or("");
  tls.hosts = call.all("host");
  return tls;
}

void print_ways_in(Invocation& call, const Dashboard& dashboard) {
  call.print(dashboard.way_in() + "\n");
  if (call.has("viewers")) {
    call.print(dashboard.viewers_way_in() + "\n");
    call.tell("the second address is for viewers, as many as have it: they may look and change nothing");
  }
  std::fflush(stdout);
}

}  // namespace tune
