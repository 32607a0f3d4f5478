# make lab                 open the course in JupyterLab          make test            prove everything (about 11 minutes)
# make labs                labs/ anew from solutions/             make test LESSON=01  only that lesson
# make notebooks           run and store all, or LESSON=01        make lock            requirements.txt anew
# make soak                each three times, also on a busy machine; adds up over days (ARGS="--runs 20 --lesson 07")
# make bench               speeds beside those of other libraries and tools, and errors of theory (ARGS="--part theory")
# make kafka               fetch Apache Kafka, once; lab, test and notebooks do so too
# The first of these makes the environment in .venv; ARGS=… is handed on, as in make test ARGS="-x tests/test_labs.py".
RUN = @sh tools/environment.sh

.PHONY: lab test labs notebooks lock kafka soak bench
lab test notebooks soak bench: kafka
kafka:
	$(RUN) python tools/kafka.py
lab:
	$(RUN) python tools/lab.py $(ARGS)
test:
	$(RUN) python -m pytest -n 4 $(if $(LESSON),--lesson=$(LESSON)) $(ARGS)
labs:
	$(RUN) python tools/labs.py
notebooks:
	$(RUN) python tools/notebooks.py $(if $(LESSON),notebooks/$(LESSON)-*.ipynb solutions/$(LESSON)-*.ipynb) $(ARGS)
soak:
	$(RUN) python tools/soak.py $(if $(LESSON),--lesson $(LESSON)) $(ARGS)
bench:
	$(RUN) python -m tools.bench $(ARGS)
lock:
	@sh tools/lock.sh $(ARGS)
