// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads how BFD packets are signed, and the file of the keys. What it contains is in no complaint.
#include "detector/config/bfd_keys.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "common/file.hpp"

namespace sidestep {
namespace {

constexpr std::size_t kLargestKeyFile = 65536;
constexpr unsigned kHighestId = 255;

Result<BfdKey> read_key(const std::string& line) {
    std::istringstream words(line);
    std::string id;
    std::string secret;
    std::string more;
    words >> id >> secret;
    unsigned number = 0;
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
    if (error != std::errc() || end != id.data() + id.size() || number > kHighestId)
        return fail(fmt::format("does not begin with the number of a key, 0 to {}", kHighestId));
    if (secret.empty()) return fail(fmt::format("key {} is empty", number));
    if (words >> more) return fail(fmt::format("key {} has a space in it, or something after it", number));
    BfdKey key{.id = static_cast<std::uint8_t>(number)};
    if (secret.size() > key.secret.size())
        return fail(fmt::format("key {} has {} bytes; {} are the most (RFC 5880, 4.4)", number, secret.size(),
                                key.secret.size()));
    std::ranges::copy(secret, key.secret.begin());
    return key;
}

Result<std::vector<BfdKey>> read_key_file(const std::string& file) {
    const auto text = read_secret(file, kLargestKeyFile);
    return text ? read_bfd_keys(*text, file) : std::unexpected(text.error());
}

}  // namespace

Result<std::vector<BfdKey>> read_bfd_keys(const std::string& text, const std::string& file) {
    std::vector<BfdKey> keys;
    std::istringstream lines(text);
    std::size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        const auto first = line.find_first_not_of(" \t\r");
        if (first == std::string::npos || line[first] == '#') continue;
        auto key = read_key(line);
        if (!key) return fail(fmt::format("{}:{}: {}", file, number, key.error().message));
        if (std::ranges::count(keys, key->id, &BfdKey::id) != 0)
            return fail(fmt::format("{}:{}: there is a key {} before", file, number, key->id));
        keys.push_back(*key);
    }
    if (keys.empty()) return fail(file + ": no key in it");
    if (keys.size() > SS_BFD_KEYS)
        return fail(fmt::format("{}: {} keys; {} are the most, the one to sign with and one more to accept", file,
                                keys.size(), SS_BFD_KEYS));
    return keys;
}

std::optional<Config> read_config_and_keys(const std::string& path, Complaints& complaints) {
    auto config = read_config_file(path, complaints);
    if (!config) return config;
    const auto read = [&](std::optional<BfdSettings>& bfd, const std::string& session) {
        if (!bfd || !bfd->auth) return;
        auto keys = read_key_file(bfd->auth->file);
        if (keys) {
            bfd->auth->keys = std::move(*keys);
        } else {
            complaints.list.push_back(
                {.file = path, .field = session + ": bfd.authentication.keys", .reason = keys.error().message});
        }
    };
    for (auto& adjacency : config->adjacencies) read(adjacency.bfd, "adjacency " + adjacency.name);
    for (auto& session : config->paths) read(session.bfd, "path " + session.name);
    return complaints.empty() ? config : std::nullopt;
}

namespace config_reader {

std::optional<BfdAuth> read_authentication(const Reading& reading, const YamlPlace& place) {
    constexpr std::array<std::string_view, 2> kTypes{"meticulous-keyed-sha1", "keyed-sha1"};
    if (reading.client) {
        place.complain("is for sessions of the configuration");
        return std::nullopt;
    }
    if (!place.expect_map({"type", "keys"})) return std::nullopt;
    BfdAuth auth;
    if (const auto type = place.required("type")) auth.meticulous = type->choice(kTypes).value_or(0) == 0;
    const auto keys = place.required("keys");
    if (!keys) return auth;
    const std::filesystem::path name = keys->text().value_or("");
    auth.file = name.is_absolute() ? name : std::filesystem::path(reading.file).parent_path() / name;
    if (!reading.exists) return auth;  // this may be another machine than that of the keys
    const auto read = read_key_file(auth.file);
    if (read) {
        auth.keys = *read;
    } else {
        keys->complain(read.error().message);
    }
    return auth;
}

}  // namespace config_reader
}  // namespace sidestep
