// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "ui/cli/invocation.hpp"
#include "ui/server/dashboard.hpp"

namespace tune {

/// What --tls, --tls-cert, --tls-key and --host say, of any verb that listens. Checked by Dashboard::check.
TlsSettings tls_settings(const Invocation&);

/// Prints the addresses of a server on standard output: that of people, and with --viewers that of viewers below it.
void print_ways_in(Invocation&, const Dashboard&);

}  // namespace tune
