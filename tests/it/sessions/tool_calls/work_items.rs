//! Tools about work items, which are asked for in GraphQL.

use serde_json::{Value, json};

use super::{Case, case, each_does_as_it_should, pipelines::nothing_asked, run};
use crate::sessions::Scene;

const PROJECT: &str = "GET /api/v4/projects/7";

fn project() -> (&'static str, Value, Value) {
    let found = r#"{"id": 7, "path_with_namespace": "team/edge"}"#;
    (PROJECT, Value::Null, json!([200, found]))
}

fn data(data: &Value) -> Value {
    json!([200, json!({ "data": data }).to_string()])
}

fn item(item: &Value) -> Value {
    data(&json!({"namespace": {"workItem": item}}))
}

#[test]
fn work_items_are_read_by_number_and_by_address() {
    let found = json!({"iid": "5", "widgets": [{"type": "WEIGHT", "weight": 1}, {}]});
    each_does_as_it_should(&[
        Case {
            tool: "get_work_item",
            arguments: json!({"work_item_iid": 5}),
            asks: vec![
                project(),
                (
                    "POST /api/graphql WorkItem",
                    json!({"path": "team/edge", "iid": "5"}),
                    item(&found),
                ),
            ],
            reads: r#"{"iid":"5","widgets":[{"type":"WEIGHT","weight":1}]}"#,
        },
        case(
            "get_work_item",
            json!({"group_id": "team", "work_item_iid": "3"}),
            (
                "POST /api/graphql WorkItem",
                json!({"path": "team", "iid": "3"}),
            ),
            item(&Value::Null),
            "Tool get_work_item raised ToolException: team has no work item 3, or the user does not \
             see it",
        ),
        case(
            "get_work_item",
            json!({"url": "https://gitlab.test/groups/team/-/epics/4"}),
            (
                "POST /api/graphql WorkItem",
                json!({"path": "team", "iid": "4"}),
            ),
            json!([200, r#"{"errors": [{"message": "no"}]}"#]),
            r#"Tool get_work_item raised ToolException: GraphQL errors: [{"message":"no"}]"#,
        ),
        case(
            "get_work_item",
            json!({"url": "https://gitlab.test/team/edge/-/issues/4"}),
            (
                "POST /api/graphql WorkItem",
                json!({"path": "team/edge", "iid": "4"}),
            ),
            json!([403, "<html>"]),
            "Tool get_work_item raised ToolException: GitLab's answer to GraphQL is not JSON (status \
             403); a proxy in front of it may have answered",
        ),
        case(
            "get_work_item",
            json!({"project_id": 8, "work_item_iid": 5}),
            ("GET /api/v4/projects/8", Value::Null),
            json!([404, "{}"]),
            "Request failed (get_work_item): HTTP 404: {}",
        ),
        nothing_asked("get_work_item", json!({}), "work_item_iid is missing"),
        nothing_asked(
            "get_work_item",
            json!({"url": "https://gitlab.test/team/edge/-/pipelines/4"}),
            "url is no address of work items, and work_item_iid is missing",
        ),
    ]);
}

#[test]
fn a_gitlab_is_asked_for_no_widget_that_it_does_not_know() {
    for (version, knows) in [("18.1.0", false), ("18.2.0", true)] {
        let scene = Scene::new("");
        let case = case(
            "get_work_item",
            json!({"group_id": "team", "work_item_iid": 3}),
            (
                "POST /api/graphql WorkItem",
                json!({"path": "team", "iid": "3"}),
            ),
            item(&json!({})),
            "{}",
        );
        let turn = run(&scene, &[case], json!({"version": version}));
        let asked = turn.0["asked"].to_string();
        assert_eq!(asked.contains("WorkItemWidgetStatus"), knows, "{version}");
        assert!(asked.contains("WorkItemWidgetHierarchy"), "{version}");
    }
}

#[test]
fn work_items_are_listed_by_what_is_said_alone() {
    let page = json!({"nodes": [{"iid": "1"}], "pageInfo": {"hasNextPage": false}});
    each_does_as_it_should(&[
        case(
            "list_work_items",
            json!({"project_id": "team/edge"}),
            (
                "POST /api/graphql projectWorkItems",
                json!({"path": "team/edge"}),
            ),
            data(&json!({"namespace": {"workItems": page}})),
            r#"{"nodes":[{"iid":"1"}],"pageInfo":{"hasNextPage":false}}"#,
        ),
        case(
            "list_work_items",
            json!({
                "url": "https://gitlab.test/groups/team/a/-/work_items", "state": "opened",
                "types": "EPIC", "label_names": ["a", "b"], "first": 500, "sort": "UPDATED_ASC",
                "assignee_usernames": ["ada"], "created_after": "2026-01-01", "after": "X",
                "search": " ",
            }),
            (
                "POST /api/graphql groupWorkItems",
                json!({
                    "state": "opened", "types": ["EPIC"], "labels": ["a", "b"],
                    "assignees": ["ada"], "createdAfter": "2026-01-01", "sort": "UPDATED_ASC",
                    "first": 100, "after": "X", "path": "team/a",
                }),
            ),
            data(&json!({"namespace": null})),
            "Tool list_work_items raised ToolException: there is no such project or group, or the \
             user does not see it",
        ),
        nothing_asked(
            "list_work_items",
            json!({"state": "open"}),
            "state must be one of opened, closed, all",
        ),
    ]);
}

#[test]
fn comments_on_work_items_are_read_and_written() {
    let notes = json!({"nodes": [{"id": "d1"}], "pageInfo": {"hasNextPage": true}});
    let id = (
        "POST /api/graphql WorkItemId",
        json!({"path": "team", "iid": "3"}),
        item(&json!({"id": "gid://gitlab/WorkItem/30"})),
    );
    each_does_as_it_should(&[
        case(
            "get_work_item_notes",
            json!({"group_id": "team", "work_item_iid": 3, "after": "X"}),
            (
                "POST /api/graphql WorkItemNotes",
                json!({"path": "team", "iid": "3", "after": "X"}),
            ),
            item(&json!({"widgets": [{}, {"discussions": notes}]})),
            r#"{"nodes":[{"id":"d1"}],"pageInfo":{"hasNextPage":true}}"#,
        ),
        case(
            "get_work_item_notes",
            json!({"group_id": "team", "work_item_iid": 3}),
            (
                "POST /api/graphql WorkItemNotes",
                json!({"path": "team", "iid": "3"}),
            ),
            item(&json!({"widgets": [{}]})),
            "Work items of this type have no comments.",
        ),
        Case {
            tool: "create_work_item_note",
            arguments: json!({"group_id": "team", "work_item_iid": 3, "body": "Hm."}),
            asks: vec![
                id.clone(),
                (
                    "POST /api/graphql CreateWorkItemNote",
                    json!({"input": {"noteableId": "gid://gitlab/WorkItem/30", "body": "Hm."}}),
                    data(&json!({"change": {"made": {"id": "n1"}, "errors": []}})),
                ),
            ],
            reads: r#"{"id":"n1"}"#,
        },
        Case {
            tool: "create_work_item_note",
            arguments: json!({
                "group_id": "team", "work_item_iid": 3, "body": "Hm.", "internal": "true",
                "discussion_id": "d1",
            }),
            asks: vec![
                id,
                (
                    "POST /api/graphql CreateWorkItemNote",
                    json!({"input": {
                        "noteableId": "gid://gitlab/WorkItem/30", "body": "Hm.", "internal": true,
                        "discussionId": "d1",
                    }}),
                    data(&json!({"change": {"made": null, "errors": ["It is locked", "Really"]}})),
                ),
            ],
            reads: "Tool create_work_item_note raised ToolException: GitLab refused: It is locked; \
                    Really",
        },
    ]);
}

#[test]
fn work_items_are_made() {
    let types = || {
        let types = json!([{"id": "t1", "name": "Issue"}, {"id": "t2", "name": "Key Result"}]);
        (
            "POST /api/graphql WorkItemTypes",
            json!({"path": "team/edge"}),
            data(&json!({"namespace": {"workItemTypes": {"nodes": types}}})),
        )
    };
    let made = data(&json!({"change": {"made": {"iid": "9"}, "errors": []}}));
    let reads = r#"{"iid":"9"}"#;
    each_does_as_it_should(&[
        Case {
            tool: "create_work_item",
            arguments: json!({"project_id": "team/edge", "title": "Mend it"}),
            asks: vec![
                types(),
                (
                    "POST /api/graphql CreateWorkItem",
                    json!({"input": {
                        "workItemTypeId": "t1", "namespacePath": "team/edge", "title": "Mend it",
                    }}),
                    made.clone(),
                ),
            ],
            reads,
        },
        Case {
            tool: "create_work_item",
            arguments: json!({
                "project_id": "team/edge", "title": "Mend it", "type_name": "KEY_RESULT",
                "description": "Soon.", "assignee_ids": [3, "4"], "label_ids": [1],
                "confidential": true, "start_date": "2026-01-01", "due_date": "2026-02-01",
                "weight": 2, "health_status": "onTrack", "parent_id": 8, "milestone_id": 6,
                "state_event": "CLOSE", "add_label_ids": [2],
            }),
            asks: vec![
                types(),
                (
                    "POST /api/graphql CreateWorkItem",
                    json!({"input": {
                        "workItemTypeId": "t2", "namespacePath": "team/edge", "title": "Mend it",
                        "confidential": true,
                        "descriptionWidget": {"description": "Soon."},
                        "assigneesWidget": {
                            "assigneeIds": ["gid://gitlab/User/3", "gid://gitlab/User/4"],
                        },
                        "labelsWidget": {"labelIds": ["gid://gitlab/Label/1"]},
                        "startAndDueDateWidget": {
                            "startDate": "2026-01-01", "dueDate": "2026-02-01",
                        },
                        "weightWidget": {"weight": 2},
                        "healthStatusWidget": {"healthStatus": "onTrack"},
                        "hierarchyWidget": {"parentId": "gid://gitlab/WorkItem/8"},
                        "milestoneWidget": {"milestoneId": "gid://gitlab/Milestone/6"},
                    }}),
                    made,
                ),
            ],
            reads,
        },
        Case {
            tool: "create_work_item",
            arguments: json!({"project_id": "team/edge", "title": "x", "type_name": "Saga"}),
            asks: vec![types()],
            reads: "Tool create_work_item execution failed due to wrong arguments. You must adhere \
                    to the tool args schema! type_name must be one of Issue, Key Result",
        },
        nothing_asked("create_work_item", json!({}), "title is missing"),
    ]);
}

#[test]
fn work_items_are_changed() {
    let id = (
        "POST /api/graphql WorkItemId",
        json!({"path": "team/edge", "iid": "5"}),
        item(&json!({"id": "gid://gitlab/WorkItem/50"})),
    );
    let url = "https://gitlab.test/team/edge/-/work_items/5";
    each_does_as_it_should(&[
        Case {
            tool: "update_work_item",
            arguments: json!({
                "url": url, "state_event": "CLOSE", "add_label_ids": [1], "remove_label_ids": [2],
                "description": "", "milestone_id": 0, "label_ids": [7],
            }),
            asks: vec![
                id.clone(),
                (
                    "POST /api/graphql UpdateWorkItem",
                    json!({"input": {
                        "id": "gid://gitlab/WorkItem/50", "stateEvent": "CLOSE",
                        "descriptionWidget": {"description": ""},
                        "labelsWidget": {
                            "addLabelIds": ["gid://gitlab/Label/1"],
                            "removeLabelIds": ["gid://gitlab/Label/2"],
                        },
                        "milestoneWidget": {"milestoneId": null},
                    }}),
                    data(&json!({"change": {"made": {"iid": "5"}, "errors": []}})),
                ),
            ],
            reads: r#"{"iid":"5"}"#,
        },
        Case {
            tool: "update_work_item",
            arguments: json!({"url": url, "title": "x"}),
            asks: vec![
                id,
                (
                    "POST /api/graphql UpdateWorkItem",
                    json!({"input": {"id": "gid://gitlab/WorkItem/50", "title": "x"}}),
                    data(&json!({"change": null})),
                ),
            ],
            reads: "Tool update_work_item raised ToolException: GitLab does not say that it did it",
        },
        nothing_asked(
            "update_work_item",
            json!({"url": url}),
            "nothing to change is given; give one of title, state_event, description, assignee_ids, \
             add_label_ids, remove_label_ids, confidential, start_date, due_date, weight, \
             health_status, parent_id, milestone_id",
        ),
    ]);
}
