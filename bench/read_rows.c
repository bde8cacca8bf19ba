/* Reads every row of some tables and does nothing with them: the least that
 * a comparison on the client's side can cost.
 *
 *   read_rows SOCKET DATABASE TABLE…
 */
#include <mysql.h>
#include <stdio.h>

static int fail(MYSQL *server) {
  fprintf(stderr, "read_rows: %s\n", mysql_error(server));
  return 1;
}

int main(int count, char **words) {
  if (count < 4) {
    fprintf(stderr, "usage: read_rows SOCKET DATABASE TABLE...\n");
    return 2;
  }
  MYSQL *server = mysql_init(NULL);
  if (!server || !mysql_real_connect(server, NULL, "root", "", words[2], 0, words[1], 0)) return fail(server);
  unsigned long long rows = 0;
  for (int table = 3; table < count; table++) {
    char query[256];
    snprintf(query, sizeof query, "SELECT * FROM `%s`", words[table]);
    if (mysql_query(server, query)) return fail(server);
    MYSQL_RES *result = mysql_use_result(server);
    if (!result) return fail(server);
    while (mysql_fetch_row(result)) rows++;
    if (mysql_errno(server)) return fail(server);
    mysql_free_result(result);
  }
  mysql_close(server);
  printf("%llu\n", rows);
  return 0;
}
