// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Hears that an IS-IS neighbor floods a link-state PDU: a reason to look at the database now, nothing more. isisd tells
// nobody when its database changes, and by the next ordinary look it may have moved its routes.
#pragma once

#include "common/error.hpp"
#include "common/fd.hpp"

namespace sidestep {

class LspWatch {
  public:
    /// For all interfaces of the calling thread's network namespace. Needs CAP_NET_RAW.
    static Result<LspWatch> open();

    /// Readable when an LSP has come.
    [[nodiscard]] int fd() const { return socket_.get(); }
    /// True if an LSP has come since the last call.
    bool heard();

  private:
    explicit LspWatch(Fd socket) : socket_(std::move(socket)) {}

    Fd socket_;
};

}  // namespace sidestep
