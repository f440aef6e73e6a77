// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A JSON array, an object per session.
#include "detector/app/client_file.hpp"

#include <filesystem>

#include <nlohmann/json.hpp>

#include "common/file.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

bool outlives_owner(const ClientSession& session) {
    return !session.lease || *session.lease > Nanoseconds(0);
}

std::optional<Nanoseconds> lease_of(const json& entry) {
    const auto found = entry.find("lease_ns");
    if (found == entry.end() || !found->is_number_integer()) return std::nullopt;
    return Nanoseconds(found->get<std::int64_t>());
}

}  // namespace

Result<void> save_clients(const std::string& path, const std::vector<ClientSession>& sessions) {
    json list = json::array();
    for (const auto& session : sessions) {
        if (!outlives_owner(session)) continue;
        json entry{{"request", session.request}};
        if (session.lease) entry["lease_ns"] = session.lease->count();
        list.push_back(std::move(entry));
    }
    std::error_code error;
    if (list.empty()) {
        std::filesystem::remove(path, error);
        return {};
    }
    const auto written = replace_file(path, list.dump(-1, ' ', false, json::error_handler_t::replace) + '\n');
    if (written) return {};
    return fail("the sessions of clients will not outlive this process: " + written.error().message);
}

std::vector<SavedClient> load_clients(const std::string& path) {
    std::vector<SavedClient> clients;
    const auto text = read_file(path);
    if (!text) return clients;
    const auto list = json::parse(*text, nullptr, false);
    if (!list.is_array()) return clients;
    for (const auto& entry : list) {
        if (!entry.is_object() || !entry.contains("request") || !entry["request"].is_string()) continue;
        clients.push_back({.request = entry["request"].get<std::string>(), .lease = lease_of(entry)});
    }
    return clients;
}

}  // namespace sidestep
