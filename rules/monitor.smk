"""Looking after a study."""


rule storage:
    log:
        "<study>/logs/storage.log",
    localrule: True
    conda:
        "../envs/base.yaml"
    resources:
        mem_mb=500,
    params:
        spec=spec("storage", {"study": f"results/{STUDY.study}"}),
    shell:
        "python -m scripts.storage --spec {params.spec:q} --log {log:q}"


onstart:
    # Its own limit of 100 jobs a second makes Snakemake look through all ready jobs once a second
    # for every job that has finished, so that a large study's driver never rests. Others hold.
    limiter = workflow.scheduler.job_rate_limiter
    if limiter and (limiter.max_jobs, limiter.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


onerror:
    print(
        *describe_failures(read_run_failures(map(Path, log), Path(f"results/{STUDY.study}"))),
        sep="\n",
        file=sys.stderr,
    )
