// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/config_loader.hpp"

#include <utility>

#include <boost/asio/post.hpp>

#include "common/heap.hpp"
#include "detector/config/bfd_keys.hpp"

namespace sidestep {

void ConfigLoader::load(std::string path, Done done) {
    busy_ = true;
    thread_ = std::jthread(
        [this, path = std::move(path), done = std::move(done), alive = alive_, &context = context_]() mutable {
            auto complaints = std::make_shared<Complaints>();
            auto config = std::make_shared<std::optional<Config>>(read_config_and_keys(path, *complaints));
            give_back_free_memory();
            boost::asio::post(context, [this, config, complaints, alive, done = std::move(done)] {
                if (!*alive) return;
                busy_ = false;
                done(std::move(*config), *complaints);
            });
        });
}

}  // namespace sidestep
