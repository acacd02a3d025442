// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "ui/cli/invocation.hpp"
#include "ui/server/tls.hpp"

namespace tune {

/// What --tls, --tls-cert, --tls-key and --host say, of any verb that listens. Checked by Dashboard::check.
TlsSettings tls_settings(const Invocation&);

}  // namespace tune
