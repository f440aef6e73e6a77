// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What is removed at the end or after a failed start. What a process leaves that cannot do this is for flush.cpp.
#include <filesystem>

#include <unistd.h>

#include "detector/app/daemon_loop.hpp"
#include "detector/kernel/bpffs.hpp"
#include "detector/kernel/node_lock.hpp"

namespace sidestep {

void Daemon::give_up() {
    const bool adopted = dataplane_ && dataplane_->adopted();
    if (!adopted) clean_up();  // a predecessor's programs go on as they were
}

void Daemon::clean_up() {
    reserve_.clear();
    order_.undo();
}

void Daemon::undo(StartStep step) {
    switch (step) {
        case StartStep::clock:
            if (clock_) clock_->stop();
            break;
        case StartStep::routes:
            if (installation_) installation_->remove();
            break;
        case StartStep::hooks:
            if (attachments_) attachments_->detach();
            break;
        case StartStep::programs:
            if (dataplane_) dataplane_->unpin();
            break;
        case StartStep::bpffs:
            unmount_bpffs(bpffs_);
            remove_files();
            break;
        case StartStep::api:
            server_.reset();
            break;
        case StartStep::node:
            if (node_lock_) node_lock_->remove();
            if (made_run_directory_) ::rmdir(options_.run_directory.c_str());  // if nobody else uses it
            break;
        case StartStep::process:
        case StartStep::netns:
        case StartStep::engine:
        case StartStep::kernel:
            break;  // they end with this object
    }
}

void Daemon::remove_files() const {
    std::error_code ignored;
    std::filesystem::remove(paths_.state, ignored);
    std::filesystem::remove(paths_.clients, ignored);
    std::filesystem::remove(paths_.bfd, ignored);
    std::filesystem::remove(paths_.events, ignored);
}

}  // namespace sidestep
