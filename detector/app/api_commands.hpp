// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The commands of the API as a table: a request is checked against it and handed to the command's own function, and
// everything that lists commands reads it.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "detector/app/api.hpp"

namespace sidestep {

/// A field of a request.
struct ApiField {
    std::string name;
    std::string type;  ///< as nlohmann::json::type_name() has it: "string", "boolean", "number", "object", "array"
    bool required = true;
};

struct ApiCommand {
    std::string name;
    std::string help;  ///< one line
    std::vector<ApiField> fields;
    ApiAccess access = ApiAccess::control;  ///< that it needs
    ApiHandler run;                         ///< gets requests whose fields are as described; others in them are ignored
};

class ApiCommands {
  public:
    /// The table, and `help`, which answers with it.
    explicit ApiCommands(std::vector<ApiCommand> commands) : commands_(std::move(commands)) {}

    /// An ApiHandler: the answer of the command that `request` names, or {"error": ...} if there is no such command, a
    /// field is not as described, or the command needs more than this `access`.
    [[nodiscard]] std::optional<nlohmann::json> run(const nlohmann::json& request, ConnectionId connection,
                                                    ApiAccess access = ApiAccess::control) const;

  private:
    [[nodiscard]] nlohmann::json help(ApiAccess access) const;
    [[nodiscard]] std::string names(ApiAccess access) const;

    std::vector<ApiCommand> commands_;
};

}  // namespace sidestep
